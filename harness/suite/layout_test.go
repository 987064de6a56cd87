package suite

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// scenarioOf returns a scenario of a file, with a case.
func scenarioOf(name, file, label string, family language.Family) *language.Scenario {
	return &language.Scenario{Name: name, Case: label, Family: family, Pos: language.Pos{File: file}}
}

func TestARunIsStoredByWhatItIs(t *testing.T) {
	plain := scenarioOf("plain", "plain.yaml", "", language.V4)
	cased := scenarioOf("cased", "cased.yaml", "retries=3", language.V4)
	other := scenarioOf("cased", "cased.yaml", "retries=3", language.V6)
	control := scenarioOf("cased", "cased.yaml", "retries=3", language.V4)
	control.Without = &language.Setting{Kind: language.SettingFault, Name: "loss"}
	kernels := Options{Kernels: []string{"6.1", Running}}
	at := Place{Kernel: "6.1.0-50-amd64", Warp: true}
	for _, tt := range []struct {
		name string
		o    Options
		run  Run
		want string
	}{
		{"without cases", Options{}, Run{Scenario: plain}, "plain/v4"},
		{"a case", Options{}, Run{Scenario: cased}, "cased/retries=3/v4"},
		{"a case on IPv6", Options{}, Run{Scenario: other}, "cased/retries=3/v6"},
		{"a control", Options{}, Run{Scenario: control}, "cased/retries=3/v4/without_fault_loss"},
		{"on a kernel that was asked for", kernels, Run{Scenario: cased, Place: at}, "cased/retries=3/v4/6.1.0-50-amd64"},
		{"on this machine, which was asked for", kernels, Run{Scenario: cased}, "cased/retries=3/v4/running"},
		{"warped, which was asked for", Options{Warp: true}, Run{Scenario: plain, Place: at}, "plain/v4/6.1.0-50-amd64"},
		{"warped, which was not asked for", Options{}, Run{Scenario: plain, Place: at}, "plain/v4"},
		{"in a scenario that several files have", Options{Shared: map[string]bool{"cased": true}}, Run{Scenario: cased}, "cased@cased/retries=3/v4"},
		{"a scenario made by a program", Options{}, Run{Scenario: &language.Scenario{Name: "a"}}, "a/v4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Dir = "out"
			// What runs before and after it, and how often, does not matter.
			before := []Run{{Scenario: plain}, {Scenario: other}}
			before = slices.DeleteFunc(before, func(r Run) bool { return r.Scenario == tt.run.Scenario })
			among := append(before, tt.run, Run{Scenario: scenarioOf("z", "z.yaml", "", language.V4)})
			for _, runs := range [][]Run{{tt.run}, among} {
				indexed(runs)
				at := slices.IndexFunc(runs, func(r Run) bool { return r.Scenario == tt.run.Scenario })
				if got := newStore(&tt.o, runs).dirsOf(runs[at:])[0]; got != filepath.Join("out", tt.want) {
					t.Errorf("among %d runs: directory %q, want %q", len(runs), got, tt.want)
				}
			}
		})
	}
}

// indexed gives runs their indexes, as [New] does.
func indexed(runs []Run) []Run {
	for i := range runs {
		runs[i].Index = i
	}
	return runs
}

func TestScenariosOfOneNameAreStoredByTheirFiles(t *testing.T) {
	a, b, c := scenarioOf("x", "a/x.yaml", "", language.V4), scenarioOf("x", "b/x.yaml", "", language.V4), scenarioOf("y", "y.yaml", "", language.V4)
	for _, tt := range []struct {
		name string
		runs []Run
		want []string
	}{
		{"both run", []Run{{Scenario: a}, {Scenario: b}, {Scenario: c}}, []string{"x@a_x-" + shortHash("x@a/x"), "x@b_x-" + shortHash("x@b/x"), "y"}},
		{"in another order", []Run{{Scenario: b}, {Scenario: a}}, []string{"x@b_x-" + shortHash("x@b/x"), "x@a_x-" + shortHash("x@a/x")}},
		{"one runs", []Run{{Scenario: b}}, []string{"x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, dir := range newStore(&Options{Dir: "out"}, indexed(tt.runs)).dirsOf(tt.runs) {
				got = append(got, strings.TrimSuffix(strings.TrimPrefix(dir, "out/"), "/v4"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("directories (-want +got):\n%s", diff)
			}
		})
	}
}

// Two kernels of one version are two builds, of which at most one is found by its version.
func TestAKernelGivenByItsPathHasAName(t *testing.T) {
	version := withKernel(t)
	known := filepath.Join(os.Getenv("XDG_CACHE_HOME"), "halfopen", "kernels", version, "boot", "vmlinuz-"+version)
	text, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "boot", "bzImage")
	for _, dir := range []string{filepath.Dir(other), filepath.Join(filepath.Dir(other), "../lib/modules", version, "kernel")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(other, text, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, spec, dir string
		place           Place
	}{
		{"by its version", "9.9", version, Place{Kernel: version}},
		{"by the path that its version finds", known, version, Place{Kernel: version}},
		{"by another path", other, version + "-" + shortHash(other), Place{Kernel: version, Image: other}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at, err := placeOn(tt.spec)
			if err != nil || at != tt.place {
				t.Errorf("place %+v, %v; want %+v", at, err, tt.place)
			}
			if got := kernelName(&at); got != tt.dir {
				t.Errorf("name %q, want %q", got, tt.dir)
			}
		})
	}
}

// A case may be given twice, and the caller may remove runs before the suite runs.
func TestEqualRunsHaveDirectoriesOfTheirOwn(t *testing.T) {
	a := &language.Scenario{Name: "a", Family: language.V4}
	b := &language.Scenario{Name: "b", Family: language.V4}
	s, err := New([]*language.Scenario{a, b, a}, Options{Dir: "out"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		runs []Run
		want []string
	}{
		{"all runs", s.Runs, []string{"out/a/v4", "out/b/v4", "out/a/v4-2"}},
		{"some runs", s.Runs[1:], []string{"out/b/v4", "out/a/v4-2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, s.store.dirsOf(tt.runs)); diff != "" {
				t.Errorf("directories (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabelsBecomeNamesOfFiles(t *testing.T) {
	hash := func(label string) string { return "-" + shortHash(label) }
	long := strings.Repeat("x", 1000)
	for _, tt := range []struct{ name, label, want string }{
		{"a parameter", "retries=3", "retries=3"},
		{"a case of a matrix", "rtt=50ms loss=0.1", "rtt=50ms,loss=0.1"},
		{"what a matrix would become", "rtt=50ms,loss=0.1", "rtt=50ms_loss=0.1" + hash("rtt=50ms,loss=0.1")},
		{"what needs quoting", "../a b/[1]", ".._a,b__1_" + hash("../a b/[1]")},
		{"what would look the same", "../a b/{1}", ".._a,b__1_" + hash("../a b/{1}")},
		{"a way upwards", "..", "_.." + hash("..")},
		{"nothing", "", "_" + hash("")},
		{"a long text", long, long[:120] + hash(long)},
		{"a long text with another end", long + "y", long[:120] + hash(long+"y")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fileName(tt.label); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A directory of --out may be a stranger's, who must not get files written elsewhere.
func TestNoRunIsStoredThroughALink(t *testing.T) {
	for _, tt := range []struct {
		name, link string
		wrong      bool
	}{
		{"the directory of the scenario", "a", true},
		{"that of the run", "a/v4", true},
		{"that of a repetition", "a/v4/2", true},
		{"a file of the run", "a/v4/client.exec.stdout", true},
		{"a link of somebody else", "latest", false},
		{"the run of another suite", "b/v4", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			away, dir := t.TempDir(), filepath.Join(t.TempDir(), "real")
			link := filepath.Join(dir, filepath.FromSlash(tt.link))
			if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
				t.Fatal(err)
			}
			named := filepath.Join(filepath.Dir(dir), "named")
			for at, to := range map[string]string{link: away, named: dir} { // the directory may be a link itself
				if err := os.Symlink(to, at); err != nil {
					t.Skip(err)
				}
			}
			runs := []Run{{Scenario: scenarioOf("a", "a.yaml", "", language.V4)}}
			err := newStore(&Options{Dir: named}, runs).checkLinks(named)
			want := filepath.Join(named, tt.link) + " is a symbolic link, through which no run is stored: remove it"
			if !tt.wrong && err != nil || tt.wrong && (err == nil || err.Error() != want) {
				t.Errorf("error %v", err)
			}
		})
	}
}
