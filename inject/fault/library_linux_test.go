package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/internal/testlab"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// plansALab is how many plans are compared in one lab, so that labs can share the work.
const plansALab = 10

// plansEnv names the file with the runs to compare.
const plansEnv = "HALFOPEN_TEST_PLANS"

// The commands that halfopen show prints for a scenario of the library, typed unchanged into a
// shell, make the same as halfopen: rules, queueing disciplines, and the parameters named. Runs
// that print the same are tried once. Runs of the same network are tried one after the other in the
// same two networks, the built one and the typed one.
func TestCommandsOfTheLibraryMakeTheSame(t *testing.T) {
	if path := os.Getenv(plansEnv); path != "" {
		l := readLab(t, path)
		t.Run(l.Runs[0].ID(), func(t *testing.T) {
			if testlab.InLab(t) {
				l.compare(t)
			}
		})
		return
	}
	dir := t.TempDir()
	for i, l := range libraryLabs(t) {
		t.Run(l.Runs[0].ID(), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, fmt.Sprint(i))
			l.write(t, path)
			testlab.InLab(t, plansEnv+"="+path)
		})
	}
}

// libraryLab is a set of runs on the same network.
type libraryLab struct {
	Runs []*language.Scenario
	// Shared also compares the parameters that every host has: nine tenths of all commands, and the
	// same for each IP family.
	Shared bool
}

// libraryLabs returns those runs of the library that print different commands.
func libraryLabs(t *testing.T) (labs []*libraryLab) {
	t.Helper()
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	all, different := 0, 0
	printed, places, families := map[string]bool{}, map[string]*libraryLab{}, map[language.Family]bool{}
	for _, f := range files {
		runs, err := f.Expand(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range runs {
			all++
			topology, plan := compile(t, s, Features{Netem: true})
			text := strings.Join(append(topology.Commands(), plan.commands()...), "\n")
			if printed[text] {
				continue
			}
			printed[text] = true
			different++
			bare := strings.Join(withSysctls(topology, noSysctls).Commands(), "\n")
			if l := places[bare]; l == nil || len(l.Runs) == plansALab {
				places[bare] = &libraryLab{Shared: !families[s.Family]}
				families[s.Family] = true
				labs = append(labs, places[bare])
			}
			places[bare].Runs = append(places[bare].Runs, s)
		}
	}
	if different < 100 || len(files) < 50 {
		t.Fatalf("%d plans of %d runs of %d scenarios: where is the library?", different, all, len(files))
	}
	t.Logf("%d plans of %d runs of %d scenarios, in %d labs", different, all, len(files), len(labs))
	return labs
}

func (l *libraryLab) write(t *testing.T, path string) {
	t.Helper()
	data, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readLab(t *testing.T, path string) *libraryLab {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := &libraryLab{}
	if err := json.Unmarshal(data, l); err != nil {
		t.Fatal(err)
	}
	return l
}

// commands are the commands for the faults, as halfopen show prints them.
func (p *Plan) commands() (list []string) {
	if p == nil {
		return nil
	}
	for i := range p.Faults {
		for _, r := range p.Faults[i].Rules {
			list = append(list, r.Commands()...)
		}
	}
	return list
}

// noSysctls and ownSysctls select parameters of hosts: none, or those that the scenario sets.
func noSysctls(language.Sysctl) bool    { return false }
func ownSysctls(s language.Sysctl) bool { return s.Pos.Line > 0 }

// withSysctls returns the topology with only the parameters that keep selects.
func withSysctls(t *network.Topology, keep func(language.Sysctl) bool) *network.Topology {
	some := *t
	some.Hosts = slices.Clone(t.Hosts)
	for i := range some.Hosts {
		h := &some.Hosts[i]
		h.Sysctls = slices.DeleteFunc(slices.Clone(h.Sysctls), func(s language.Sysctl) bool { return !keep(s) })
	}
	return &some
}

// compare types the commands of the plans, carries the plans out too, and compares the results.
func (l *libraryLab) compare(t *testing.T) {
	needTypist(t)
	topology, err := network.Plan(l.Runs[0])
	if err != nil {
		t.Fatal(err)
	}
	shared := withSysctls(topology, func(s language.Sysctl) bool { return l.Shared && !ownSysctls(s) })
	net, err := network.Build(shared)
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := net.AnswerUnrouted(func(run func() error) error { return run() }); err != nil {
		t.Fatal(err)
	}
	typeIn(t, strings.Join(shared.Commands(), "\n"))
	compareHosts(t, net, shared, nil, "the network")
	for _, s := range l.Runs {
		if err := kernel.Netem(); err != nil && slices.ContainsFunc(s.Faults, func(f language.Fault) bool { return MayUseNetem(&f) }) {
			t.Logf("%s: sch_netem is not available here: %v", s.ID(), err)
			continue
		}
		topology, plan := compile(t, s, Features{Netem: true})
		own := withSysctls(topology, ownSysctls)
		setSysctls(t, net, own)
		faults, err := Open(net, plan, Options{Now: func() time.Duration { return 0 }})
		if err != nil {
			t.Fatalf("%s: %v", s.ID(), err)
		}
		for i := range plan.Faults {
			if err := faults.On(plan.Faults[i].Name); err != nil {
				t.Fatalf("%s: %v", s.ID(), err)
			}
		}
		sysctls := slices.DeleteFunc(own.Commands(), func(c string) bool { return !strings.Contains(c, " sysctl ") })
		typeIn(t, strings.Join(append(sysctls, plan.commands()...), "\n"))
		compareHosts(t, net, own, plan, s.ID())
		if err := faults.Close(); err != nil {
			t.Errorf("%s: %v", s.ID(), err)
		}
		typeIn(t, strings.Join(undoing(plan), "\n"))
	}
}

// setSysctls sets the parameters that a scenario names, as [network.Build] does.
func setSysctls(t *testing.T, net *network.Network, own *network.Topology) {
	t.Helper()
	for _, h := range own.Hosts {
		for _, s := range h.Sysctls {
			if err := net.Host(h.Name).SetSysctl(s.Name, s.Value); err != nil && (!s.Optional || !errors.Is(err, unix.ENOENT)) {
				t.Fatal(err)
			}
		}
	}
}

// compareHosts compares the built hosts with the typed ones, if they have parameters or the plan
// has rules.
func compareHosts(t *testing.T, net *network.Network, topology *network.Topology, plan *Plan, what string) {
	t.Helper()
	ruled := strings.Join(plan.commands(), "\n") + "\n"
	for i := range topology.Hosts {
		h := &topology.Hosts[i]
		question := ":"
		if strings.Contains(ruled, "ip netns exec "+h.Name+" ") {
			question = rules
			if strings.Contains(ruled, " htb\n") {
				question = rulesQuestion(topology, h)
			}
		} else if len(h.Sysctls) == 0 {
			continue
		}
		names := "; sysctl -e"
		for _, s := range h.Sysctls {
			// If the machine refuses it, the routes have it.
			if s.Name != "net.ipv4.tcp_congestion_control" {
				names += " " + s.Name
			}
		}
		if len(h.Sysctls) > 0 {
			question += names
		}
		var made string
		if err := net.Host(h.Name).Do(func() (err error) {
			made, err = shell(question)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		typed := typeIn(t, fmt.Sprintf("ip netns exec %s sh -ec '%s'", h.Name, question))
		if diff := cmp.Diff(normal(made), normal(typed)); diff != "" {
			t.Errorf("%s: %s (-by halfopen +typed):\n%s", what, h.Name, diff)
		}
	}
}

// undoing returns commands that remove the rules of a plan.
func undoing(plan *Plan) (list []string) {
	for i := range plan.Faults {
		for _, r := range plan.Faults[i].Rules {
			switch r := r.(type) {
			case *ChainRule:
				start := fmt.Sprintf("ip netns exec %s %s ", r.Host, programOf(r.Family))
				list = append(list, start+"-D "+r.Hook+" -j "+r.Chain, start+"-F "+r.Chain, start+"-X "+r.Chain)
			case *QueueRule:
				if r.Installs {
					list = append(list, fmt.Sprintf("ip netns exec %s %s -t mangle -F %s", r.Host, programOf(r.Family), r.Hook))
				}
			case *QdiscRule:
				list = append(list, fmt.Sprintf("ip netns exec %s tc qdisc del dev %s root", r.Host, r.Device))
			}
		}
	}
	return append(list, ":")
}
