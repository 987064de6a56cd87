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
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// The commands that a plan prints make the same rules as the [Injector]: they are typed into a
// shell, in scratch namespaces that were typed too, and iptables-save and tc must report the same
// for both.
func TestCommandsMakeTheSameRules(t *testing.T) {
	for _, path := range planFiles(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		for _, s := range load(t, path) {
			t.Run(name+"-"+string(s.Family), func(t *testing.T) {
				if !testlab.InLabBeside(t) {
					return
				}
				if err := kernel.Netem(); err != nil && slices.ContainsFunc(s.Faults, func(f language.Fault) bool { return MayUseNetem(&f) }) {
					// A kernel without it is a supported kernel, not a machine without the needed
					// privilege: no failure in CI.
					t.Skipf("sch_netem is not available here (needed by these faults): %v", err)
				}
				l := newLab(t, s, Features{Netem: true})
				typeNetwork(t, l.topology)
				for i := range l.plan.Faults {
					l.on(l.plan.Faults[i].Name)
				}
				for _, c := range l.plan.Commands() {
					typeIn(t, c)
				}
				for i := range l.topology.Hosts {
					h := &l.topology.Hosts[i]
					question := rulesQuestion(l.topology, h)
					made := normal(l.sh(h.Name, question))
					typed := normal(typeIn(t, fmt.Sprintf("ip netns exec %s sh -ec '%s'", h.Name, question)))
					if diff := cmp.Diff(made, typed); diff != "" {
						t.Errorf("%s (-by the injector +typed):\n%s", h.Name, diff)
					}
				}
				struck := 0
				for _, h := range l.topology.Hosts {
					struck += len(ruleNames.FindAllString(l.sh(h.Name, rules), -1))
				}
				if struck == 0 {
					t.Error("the plan has no rules: the test shows nothing")
				}
				l.try(l.faults.Close())
				for _, h := range l.topology.Hosts {
					if text := l.sh(h.Name, rules); ruleNames.MatchString(text) {
						t.Errorf("once the injector is closed, %s still has\n%s", h.Name, text)
					}
				}
			})
		}
	}
}

// rules is a script that prints the rules of a host.
const rules = "iptables-save; ip6tables-save; tc qdisc show"

// ruleNames are in its output if there are any rules.
var ruleNames = regexp.MustCompile(`halfopen-|NFQUEUE|netem|tbf|htb|pfifo .*limit 0p`)

// rulesQuestion prints the classes and filters of a host's devices too.
func rulesQuestion(t *network.Topology, h *network.Host) string {
	question := rules
	for _, end := range t.LinkEnds(h.Name) {
		question += fmt.Sprintf("; tc class show dev %s; tc filter show dev %[1]s", end.Device)
	}
	return question
}

// typeNetwork types the commands of a topology, without the parameters that every host has.
func typeNetwork(t *testing.T, topology *network.Topology) {
	t.Helper()
	needTypist(t)
	typeIn(t, strings.Join(withSysctls(topology, noSysctls).Commands(), "\n"))
}

// needTypist skips the test if the programs that a person would need are not installed. ethtool is
// replaced by a program that does nothing: few machines have it, and the offloads have a separate
// test.
func needTypist(t *testing.T) {
	t.Helper()
	for _, p := range []string{"ip", "tc", "sysctl", "iptables-save"} {
		testlab.NeedProgram(t, p)
	}
	if _, err := exec.LookPath("ethtool"); err != nil {
		bin := t.TempDir()
		if err := os.WriteFile(filepath.Join(bin, "ethtool"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
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

// chance matches everything that differs between any two hosts with the same rules: times,
// counters, and the numbers that the kernel gives queueing disciplines.
var chance = regexp.MustCompile(`(?m)^#.*\n|\[\d+:\d+\]|(qdisc \w+) \w+:|(class tbf) \w+:1 parent \w+:|seed \d+|direct_packets_stat \d+`)

func normal(text string) string { return chance.ReplaceAllString(text, "$1$2") }
