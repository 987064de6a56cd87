package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/inject/network"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// planFiles are the scenarios that have a golden plan: one for each action, each form of selector,
// and each shape.
func planFiles(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "plan", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 20 {
		t.Fatalf("only %d scenarios with a plan", len(paths))
	}
	return paths
}

// parse returns the runs of a scenario file.
func parse(t *testing.T, path string, src []byte) []*language.Scenario {
	t.Helper()
	f, err := language.Parse(path, src)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func load(t *testing.T, path string) []*language.Scenario {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, path, src)
}

// compile plans the network and the faults of a valid scenario.
func compile(t *testing.T, s *language.Scenario, f Features) (*network.Topology, *Plan) {
	t.Helper()
	topology, err := network.Plan(s)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(s, topology, f)
	if err != nil {
		t.Fatal(err)
	}
	return topology, p
}

// planText formats a plan as in the golden files.
func planText(p *Plan) string {
	var b strings.Builder
	for i := range p.Faults {
		f := &p.Faults[i]
		fmt.Fprintf(&b, "%s: %s\n  %s\n", f.Name, f.Mechanism, f.Why)
		if w := f.Window; w != (Window{}) {
			fmt.Fprintf(&b, "  window: from %q until %q after %v for %v\n", w.From, w.Until, w.After, w.For)
		}
		for _, r := range f.Rules {
			for _, c := range r.Commands() {
				fmt.Fprintf(&b, "    %s\n", c)
			}
		}
	}
	for _, w := range p.Watches {
		fmt.Fprintf(&b, "%s\n", w.Event)
		for _, r := range w.Rules {
			for _, c := range r.Commands() {
				fmt.Fprintf(&b, "    %s\n", c)
			}
		}
	}
	return b.String()
}

func TestPlans(t *testing.T) {
	for _, path := range planFiles(t) {
		name := strings.TrimSuffix(path, ".yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			var b strings.Builder
			for _, s := range load(t, path) {
				_, p := compile(t, s, Features{Netem: true})
				fmt.Fprintf(&b, "# %s\n%s\n", s.ID(), planText(p))
			}
			testlab.Golden(t, name+".golden", b.String())
		})
	}
}

// The language requires at if there is no wire. A scenario built in Go need not have it.
func TestWithoutAWireFaultsStrikeWherePacketsComeIn(t *testing.T) {
	hosts := []language.Host{{Name: "client"}, {Name: "server"}}
	rate := language.Action{Rate: &language.Rate{To: 1_000_000}}
	drop := language.Action{Drop: &language.Drop{}}
	for _, c := range []struct {
		name  string
		shape language.Shape
		match language.Selector
		do    language.Action
		// want is where the rules go: host and hook, or host and device.
		want []string
	}{
		{"direct, no direction", language.ShapeDirect, language.Selector{}, drop, []string{"client INPUT", "server INPUT"}},
		{"direct, to a host", language.ShapeDirect, language.Selector{To: "server"}, drop, []string{"server INPUT"}},
		{"direct, from a host", language.ShapeDirect, language.Selector{From: "server"}, drop, []string{"client INPUT"}},
		{"loopback, from the host", language.ShapeLoopback, language.Selector{From: "client"}, drop, []string{"client INPUT"}},
		{"the rate of a direct link, both ways", language.ShapeDirect, language.Selector{}, rate, []string{"server eth0", "client eth0"}},
		{"the rate of a direct link to a host", language.ShapeDirect, language.Selector{To: "server"}, rate, []string{"client eth0"}},
		{"the rate of a direct link from a host", language.ShapeDirect, language.Selector{From: "server"}, rate, []string{"server eth0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &language.Scenario{
				Network: language.Network{Shape: c.shape},
				Hosts:   hosts,
				Faults:  []language.Fault{{Name: "f", Match: c.match, Do: c.do}},
			}
			if c.shape == language.ShapeLoopback {
				s.Hosts = hosts[:1]
			}
			_, p := compile(t, s, Features{})
			var got []string
			for _, r := range p.Faults[0].Rules {
				switch r := r.(type) {
				case *ChainRule:
					got = append(got, r.Host+" "+r.Hook)
				case *QdiscRule:
					got = append(got, r.Host+" "+r.Device)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanFault(t *testing.T) {
	p := &Plan{Faults: []Planned{{Name: "a"}, {Name: "b", Window: Window{For: time.Second}}}}
	if f := p.Fault("b"); f == nil || f.Window.For != time.Second {
		t.Errorf("Fault(b) is %+v", f)
	}
	if f := p.Fault("c"); f != nil {
		t.Errorf("Fault(c) is %+v, want nil", f)
	}
}

// Two faults must not share a chain if their names differ only after the longest part that fits.
func TestChainNamesFitAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, fault := range []string{
		"a", "nineteen-characters", "twenty-characters-it", "a-name-of-thirty-two-letters-one", "a-name-of-thirty-two-letters-two",
	} {
		name := chainName(fault)
		if len(name) > longestChain {
			t.Errorf("the chain of %s is %s: %d bytes, want at most %d", fault, name, len(name), longestChain)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s share the chain %s", fault, other, name)
		}
		seen[name] = fault
	}
}

func TestCommandsQuoteWhatAShellWouldTake(t *testing.T) {
	got := quoteAll([]string{"-A", "halfopen-a~1", "!", "--hex-string", "|00|", "it's", "", "4,48 0 0 52"})
	want := `-A 'halfopen-a~1' ! --hex-string '|00|' 'it'\''s' '' '4,48 0 0 52'`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCompilersAreForActionsThatExist(t *testing.T) {
	for kind := range compilers {
		if !slices.Contains(language.ActionKinds(), kind) {
			t.Errorf("the language has no action %s", kind)
		}
	}
}
