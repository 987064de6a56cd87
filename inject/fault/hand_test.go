package fault

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/scenarios"
)

// The commands that a plan prints make the same rules as the [Injector]: they are typed into a shell, in scratch namespaces
// that were typed too, and what iptables-save and tc say of both must be the same.
func TestCommandsMakeTheSameRules(t *testing.T) {
	for _, path := range planFiles(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		for _, s := range load(t, path) {
			t.Run(name+"-"+string(s.Family), func(t *testing.T) {
				if !inLab(t) {
					return
				}
				if err := kernel.Netem(); err != nil && slices.ContainsFunc(s.Faults, func(f scenarios.Fault) bool { return MayUseNetem(&f.Do) }) {
					// A kernel without it is a kernel to be supported, not a machine that lacks a right: no failure in CI.
					t.Skipf("sch_netem is not available here (needed by these faults): %v", err)
				}
				l := newLab(t, s, Features{Netem: true})
				typeNetwork(t, l.topology)
				for i := range l.plan.Faults {
					l.on(l.plan.Faults[i].Name)
					for _, r := range l.plan.Faults[i].Rules {
						for _, c := range r.Commands() {
							typeIn(t, c)
						}
					}
				}
				for _, h := range l.topology.Hosts {
					const question = "iptables-save; ip6tables-save; tc qdisc show"
					made := normal(l.sh(h.Name, question))
					typed := normal(typeIn(t, fmt.Sprintf("ip netns exec %s sh -ec '%s'", h.Name, question)))
					if diff := cmp.Diff(made, typed); diff != "" {
						t.Errorf("%s (-by the injector +typed):\n%s", h.Name, diff)
					}
				}
				struck := 0
				for _, h := range l.topology.Hosts {
					text := l.sh(h.Name, "iptables-save; ip6tables-save; tc qdisc show")
					struck += strings.Count(text, "halfopen-") + strings.Count(text, "netem") + strings.Count(text, "tbf")
				}
				if struck == 0 {
					t.Error("there are no rules: the test shows nothing")
				}
				l.try(l.faults.Close())
				for _, h := range l.topology.Hosts {
					if text := l.sh(h.Name, "iptables-save; ip6tables-save; tc qdisc show"); strings.Contains(text, "halfopen-") ||
						strings.Contains(text, "netem") || strings.Contains(text, "tbf") {
						t.Errorf("once the injector is closed, %s still has\n%s", h.Name, text)
					}
				}
			})
		}
	}
}

// typeNetwork types the commands of a topology, without the parameters that every host has.
func typeNetwork(t *testing.T, topology *network.Topology) {
	t.Helper()
	for _, p := range []string{"ip", "tc", "iptables-save"} {
		if _, err := exec.LookPath(p); err != nil {
			lacking(t, "the program "+p, err)
		}
	}
	if _, err := exec.LookPath("ethtool"); err != nil {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "ethtool"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	}
	plain := *topology
	plain.Hosts = slices.Clone(topology.Hosts)
	for i := range plain.Hosts {
		plain.Hosts[i].Sysctls = nil
	}
	for _, c := range plain.Commands() {
		typeIn(t, c)
	}
}

func typeIn(t *testing.T, command string) string {
	t.Helper()
	out, err := shell(command)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// chance matches what differs between any two hosts with the same rules: times, counters, numbers of queueing disciplines.
var chance = regexp.MustCompile(`(?m)^#.*\n|\[\d+:\d+\]|(qdisc \w+) \w+:`)

func normal(text string) string { return chance.ReplaceAllString(text, "$1") }
