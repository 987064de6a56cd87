package result

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestNamesOfRunsAndPlaces(t *testing.T) {
	s := &language.Scenario{Name: "a", Case: "n=1", Family: language.V4}
	for _, tt := range []struct {
		name              string
		run               Run
		id, place, kernel string
		virtual           bool
	}{
		{"run once", Run{Scenario: s}, "a n=1", "", "running", false},
		{"repeated", Run{Scenario: s, N: 2}, "a n=1 #2", "", "running", false},
		{"on another kernel", Run{Scenario: s, Place: Place{Kernel: "6.1"}}, "a n=1", "on Linux 6.1", "6.1", true},
		{"in warped time", Run{Scenario: s, Place: Place{Kernel: "6.1", Warp: true}}, "a n=1", "warped on Linux 6.1", "6.1", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &tt.run.Place
			got := []any{tt.run.ID(), p.String(), p.KernelName(), p.Virtual()}
			if d := cmp.Diff([]any{tt.id, tt.place, tt.kernel, tt.virtual}, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestOnlyRunsThatCameToTheirEndHaveEnded(t *testing.T) {
	for status, want := range map[Status]bool{
		NotRun: false, Canceled: false, Pass: true, Fail: true, Skip: true, Error: true,
	} {
		if got := (&Result{Status: status}).Ended(); got != want {
			t.Errorf("%q: %t, want %t", status, got, want)
		}
	}
}

func TestCountOfVerdicts(t *testing.T) {
	r := &Result{Verdicts: []assertions.Verdict{{Status: assertions.Pass}, {Status: assertions.Skip}, {Status: assertions.Pass}}}
	if p, f, s := r.Count(assertions.Pass), r.Count(assertions.Fail), r.Count(assertions.Skip); p != 2 || f != 0 || s != 1 {
		t.Errorf("%d passed, %d failed, %d skipped", p, f, s)
	}
}

func TestARunOfWhichNothingWasJudgedIsASkip(t *testing.T) {
	step := func(w *language.Where) language.Expectation {
		return language.Expectation{Where: w, Step: &language.StepExpectation{Step: "client.connect"}}
	}
	without := step(&language.Where{Sysctl: language.Names{"net.ipv4.later"}})
	with := step(&language.Where{NoSysctl: language.Names{"net.ipv4.early"}})
	for _, tt := range []struct {
		name   string
		expect []language.Expectation
		faults []language.Fault
		want   Status
		err    string
	}{
		{"every expectation skipped", []language.Expectation{without, without}, nil, Skip, "every expectation was skipped: this kernel has no net.ipv4.later"},
		{"skipped for two reasons", []language.Expectation{without, with}, nil, Skip, "every expectation was skipped: this kernel has no net.ipv4.later; this kernel has net.ipv4.early"},
		{"one skipped and one met", []language.Expectation{without, step(nil)}, nil, Pass, ""},
		{"every expectation skipped, and a fault that struck", []language.Expectation{without}, []language.Fault{{Name: "loss"}}, Skip, "every expectation was skipped: this kernel has no net.ipv4.later"},
		{"every expectation skipped, and a fault that struck nothing", []language.Expectation{without}, []language.Fault{{Name: "late"}}, Fail, ""},
		{"no expectation at all", nil, nil, Pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Result{
				Run: Run{Scenario: &language.Scenario{Name: "a", Expect: tt.expect, Faults: tt.faults}},
				Trace: trace.Of([]trace.Event{
					{Sysctl: &trace.Sysctl{Host: "client", Name: "net.ipv4.later", Missing: true}},
					{Sysctl: &trace.Sysctl{Host: "client", Name: "net.ipv4.early", Value: "1"}},
					{Step: &trace.Step{Actor: "client", ID: "connect", N: 1}},
					{Fault: &trace.Fault{Name: "loss", What: trace.FaultHits, Hits: 1}},
					{Fault: &trace.Fault{Name: "late", What: trace.FaultHits}},
					{End: &trace.End{Reason: trace.EndDone}},
				}...),
			}
			r.Judge()
			err := ""
			if r.Err != nil {
				err = r.Err.Error()
			}
			if r.Status != tt.want || err != tt.err {
				t.Errorf("%s %q, want %s %q", r.Status, err, tt.want, tt.err)
			}
		})
	}
}

// write makes the directory of a stored run with only its trace.
func write(t *testing.T, dir string, events ...trace.Event) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, TraceFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := trace.Of(events...).Write(f); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFindReturnsDirectoriesInOrder(t *testing.T) {
	root := t.TempDir()
	b := write(t, filepath.Join(root, "b"))
	a := write(t, filepath.Join(root, "a", "v4"))
	if err := os.Mkdir(filepath.Join(root, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := Find(root)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{a, b}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if none, err := Find(filepath.Join(root, "empty")); err != nil || len(none) != 0 {
		t.Errorf("in an empty directory: %v, %v", none, err)
	}
	if _, err := Find(filepath.Join(root, "nowhere")); err == nil || !strings.HasPrefix(err.Error(), "looking for stored runs: ") {
		t.Errorf("in no directory: %v", err)
	}
}

func TestLoadRefusesTracesWithoutAScenario(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []trace.Event
		err    string
	}{
		{"no event", nil, "trace.ndjson does not contain the scenario of the run"},
		{"no scenario", []trace.Event{{Run: &trace.Run{Scenario: "a"}}}, "trace.ndjson does not contain the scenario of the run"},
		{"a scenario that is null", []trace.Event{{Run: &trace.Run{Scenario: "a", Source: []byte(`null`)}}}, "trace.ndjson does not contain the scenario of the run"},
		{
			"a selector of a later version",
			[]trace.Event{{Run: &trace.Run{Scenario: "a", Source: []byte(`{"name":"a","hosts":[],"actors":[],"expect":[{"packets":{"packets":{"later":1},"none":true}}]}`)}}},
			`reading the scenario in trace.ndjson: json: unknown field "later"`,
		},
		{"another kind of scenario", []trace.Event{{Run: &trace.Run{Scenario: "a", Source: []byte(`["a"]`)}}}, "reading the scenario in trace.ndjson: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Load(write(t, t.TempDir(), tt.events...))
			if r != nil || err == nil || !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("got %v, %v, want %q", r, err, tt.err)
			}
		})
	}
	dir := t.TempDir()
	if _, err := Load(dir); !os.IsNotExist(err) {
		t.Errorf("of an empty directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, TraceFile), []byte("no JSON"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "reading event 0") {
		t.Errorf("of a file that is not a trace: %v", err)
	}
}

func TestAResultSaysWhatItsTraceMisses(t *testing.T) {
	for _, tt := range []struct {
		name string
		note trace.Note
		want string
	}{
		{"packets were not captured", trace.Note{Text: "3 packets were missed", Untrue: true}, "3 packets were missed"},
		{"a note about something else", trace.Note{Text: "the machine is slow"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Result{Run: Run{Scenario: &language.Scenario{}}, Trace: &trace.Trace{}}
			r.Trace.Add(trace.Event{Note: &tt.note})
			r.Judge()
			if r.Missed != tt.want {
				t.Errorf("%q, want %q", r.Missed, tt.want)
			}
		})
	}
}
