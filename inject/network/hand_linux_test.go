package network

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// The commands that a topology prints make the same network as [Build]: they are typed into a
// shell, in scratch namespaces, and the programs of iproute2 must report the same for both.
func TestCommandsMakeTheSameNetwork(t *testing.T) {
	for _, l := range labs {
		for _, f := range []language.Family{language.V4, language.V6} {
			t.Run(l.name+"-"+string(f), func(t *testing.T) {
				if !testlab.InLabBeside(t) {
					return
				}
				needPrograms(t)
				topology := lay(t, l.scenario, f)
				n := build(t, l.scenario, f)
				for _, c := range topology.Commands() {
					if _, err := shell(c); err != nil {
						t.Fatal(err)
					}
				}
				// The kernel takes some time to get links and IPv6 addresses ready.
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				deadline := time.After(10 * time.Second)
				for {
					built, typed := map[string][]string{}, map[string][]string{}
					for i := range topology.Hosts {
						h := &topology.Hosts[i]
						script := question(topology, h)
						must(t, n, h.Name, func() (err error) {
							built[h.Name], err = shell(script)
							return err
						})
						var err error
						if typed[h.Name], err = shell("ip netns exec " + h.Name + " sh -ec '" + script + "'"); err != nil {
							t.Fatal(err)
						}
					}
					diff := cmp.Diff(built, typed)
					if diff == "" {
						break
					}
					select {
					case <-tick.C:
					case <-deadline:
						t.Fatalf("networks differ (-built +typed):\n%s", diff)
					}
				}
			})
		}
	}
}

// needPrograms skips the test if the programs that a person would need are not installed. ethtool
// is replaced by a program that does nothing: few machines have it, and the offloads have a
// separate test.
func needPrograms(t *testing.T) {
	t.Helper()
	for _, p := range []string{"ip", "sysctl"} {
		testlab.NeedProgram(t, p)
	}
	if _, err := exec.LookPath("ethtool"); err == nil {
		return
	}
	t.Log("ethtool is not installed: the offloads of the two networks are not compared")
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "ethtool"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

// question is a script that prints everything that matters of a host.
func question(topology *Topology, h *Host) string {
	script := "ip -o link; ip -o addr; ip route; ip -6 route; ip route show table local; ip -6 route show table local; "
	for _, end := range topology.LinkEnds(h.Name) {
		script += fmt.Sprintf(`ethtool -k %s | grep -E "^(.tx-tcp6?-segmentation|generic-|tx-checksumming)"||:; `, end.Device)
	}
	for _, s := range h.Sysctls {
		if s.Name != congestionControl { // the machine may refuse it; Build then uses the routes
			script += "sysctl -e " + s.Name + "; "
		}
	}
	if topology.Unrouted {
		script += "iptables -S; "
	}
	return script
}

// chance matches everything that differs between any two networks: numbers of interfaces and
// namespaces, and Build's way of setting congestion control.
var chance = regexp.MustCompile(`(?m)^\d+: |@\w+| ?link-netns(id)? \S+| congctl \w+| metric (0|1024)`)

// shell runs a command in the namespace of the calling thread, and returns its output lines,
// sorted: the order of equally good routes is random too.
func shell(command string) ([]string, error) {
	out, err := exec.Command("sh", "-ec", command).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", command, err, strings.TrimSpace(string(out)))
	}
	lines := strings.Split(chance.ReplaceAllString(string(out), ""), "\n")
	slices.Sort(lines)
	return lines, nil
}
