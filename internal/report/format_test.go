package report

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestFailuresOfSlowGuestsHaveAHint(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   result.Place
		came result.Status
		want bool
	}{
		{"failed in a guest in real time", result.Place{Kernel: "6.1"}, result.Fail, true},
		{"passed there", result.Place{Kernel: "6.1"}, result.Pass, false},
		{"failed in warped time", result.Place{Kernel: "6.1", Warp: true}, result.Fail, false},
		{"failed on this machine", result.Place{}, result.Fail, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := &language.Scenario{Name: "a", Family: language.V4}
			results := []result.Result{{Run: result.Run{Scenario: s, Place: tt.at}, Status: tt.came, Trace: &trace.Trace{}}}
			f, err := FormatNamed("pretty")
			if err != nil {
				t.Fatal(err)
			}
			if err := f.New(Output{Out: &out, Errs: io.Discard, Runs: 1}).Close(results, Ending{}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(out.String(), "--warp"); got != tt.want {
				t.Errorf("hint %t, want %t, in:\n%s", got, tt.want, out.String())
			}
		})
	}
}

// Every format has a description, and writes the outcome of a run.
func TestFormats(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Formats {
		t.Run(f.Name, func(t *testing.T) {
			if f.Name == "" || f.For == "" || seen[f.Name] || !strings.Contains(ReportNames(), f.Name) {
				t.Errorf("the row %q, for %q, of %s", f.Name, f.For, ReportNames())
			}
			seen[f.Name] = true
			var out, errs bytes.Buffer
			v := f.New(Output{Out: &out, Errs: &errs, Runs: 2})
			r := failing(t)
			v.Begin(&r.Run)
			for i := range r.Trace.Events {
				e := r.Trace.Events[i].Whole()
				v.Event(&r.Run, &e)
			}
			v.End(r)
			stopped := result.Result{Run: r.Run}
			if err := v.Close([]result.Result{*r, stopped}, Ending{Seed: 7, LeftOut: "left out: 1 run"}); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{r.Scenario.Name, r.Scenario.Case} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
			for _, want := range []string{"interrupted: 1 of 2 runs were canceled or not started\n", "left out: 1 run\n"} {
				if !strings.Contains(out.String()+errs.String(), want) {
					t.Errorf("no %q in:\n%s%s", want, out.String(), errs.String())
				}
			}
		})
	}
}

// Why runs did not end is said, and which never began.
func TestSuitesThatEndEarly(t *testing.T) {
	r := failing(t)
	rest := []result.Rest{{Run: result.Run{Scenario: &language.Scenario{Name: "a\x1b[m"}}, Times: 2, All: 3}}
	stopped := []result.Result{*r, {Run: r.Run, Status: result.Canceled}}
	for _, tt := range []struct {
		name string
		e    Ending
		want string
	}{
		{"every run had its turn", Ending{}, "interrupted: 1 of 2 runs were canceled or not started\n"},
		{"interrupted", Ending{Stop: result.Interrupted, Rest: rest}, "interrupted: 1 of 2 runs were canceled or not started\n"},
		{
			"by the first failure",
			Ending{Stop: result.FailFast, Rest: rest},
			"ended by the first failure (--fail-fast): 1 of 2 runs were canceled or not started; not started: a\\x1b[m (2 of 3)\n",
		},
		{
			"out of time",
			Ending{Stop: result.OutOfTime, MaxTime: 10 * time.Minute},
			"out of time (--max-time 600s): 1 of 2 runs were canceled or not started\n",
		},
		{"when a run failed", Ending{Stop: result.UntilFail, UntilFail: true}, ""},
		{
			"before a run failed",
			Ending{Stop: result.OutOfTime, UntilFail: true, MaxTime: time.Second},
			"the time was over before a run failed (--max-time 1s)\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.e.early(stopped); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := (&Ending{Stop: result.FailFast}).early(stopped[:1]); got != "" {
		t.Errorf("all ended: %q", got)
	}
}

// Quiet output has the failures and the last line; a skip is one where no skip is allowed.
func TestQuietOutput(t *testing.T) {
	skipped := *passing(t)
	skipped.Status, skipped.Err = result.Skip, errors.New("no program")
	for _, tt := range []struct {
		name   string
		noSkip bool
		runs   []*result.Result
		want   string
	}{
		{"all passed", false, []*result.Result{passing(t), &skipped}, `^1 passed, 0 failed, 1 skipped in \S+; seed 7\n$`},
		{
			"one failed", false,
			[]*result.Result{passing(t), failing(t)},
			`^FAIL  syn-retry-backoff [^\n]*\n(?s:.*)\n1 passed, 1 failed, 0 skipped in [^\n]+; seed 7\n$`,
		},
		{
			"a skip counts", true,
			[]*result.Result{passing(t), &skipped},
			`^SKIP  syn-retry-backoff [^\n]* no program\n(?s:.*)what was skipped or left out counts as a failure ` +
				`\(--no-skip\)\n1 passed, 0 failed, 1 skipped in \S+; seed 7\n$`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			v := newPretty(Output{Out: &out, Errs: &out, Quiet: true, NoSkip: tt.noSkip})
			var results []result.Result
			for _, r := range tt.runs {
				v.Begin(&r.Run)
				v.End(r)
				results = append(results, *r)
			}
			if err := v.Close(results, Ending{Seed: 7, Dir: "out"}); err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(tt.want).MatchString(out.String()) {
				t.Errorf("got:\n%s\nwant %s", out.String(), tt.want)
			}
		})
	}
}

func TestUnknownFormatsAreRefusedWithThoseThereAre(t *testing.T) {
	if f, err := FormatNamed("xml"); f != nil || err == nil || err.Error() != "want pretty, json, junit, tap or markdown" {
		t.Errorf("got %v, %v", f, err)
	}
}

// A table of many results lists those that did not pass, and the summary counts all.
func TestManyResultsHaveAShortTable(t *testing.T) {
	var results []result.Result
	for i := range mostInTable + 1 {
		r := *passing(t)
		r.N = i + 1
		results = append(results, r)
	}
	results = append(results, *failing(t))
	ending := func() string {
		var out bytes.Buffer
		if err := newPretty(Output{Out: &out}).Close(results, Ending{}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := ending(); strings.Count(got, "syn-retry-backoff") != 1 || !strings.Contains(got, "41 passed, 1 failed") {
		t.Errorf("the ending is:\n%s", got)
	}
	for range mostInTable + 1 {
		results = append(results, *failing(t))
	}
	if got := ending(); strings.Count(got, "syn-retry-backoff") != mostInTable ||
		!strings.Contains(got, "41 passed, 42 failed") || !strings.Contains(got, "\nand 2 more runs, each with its line above\n") {
		t.Errorf("the ending of many that failed is:\n%s", got)
	}
}

// A result is kept only of some of very many runs: the others are counted, and the table says so.
func TestRunsWithoutAResultAreCounted(t *testing.T) {
	var others result.Tally
	others.Count(result.Pass, 1000)
	others.Count(result.Fail, 2)
	others.Count(result.NotRun, 7)
	for _, tt := range []struct {
		name   string
		format string
		want   []string
	}{
		{"for people", "pretty", []string{
			"1000 passed, 3 failed, 0 skipped", "and 2 more runs, each with its line above\n",
			"interrupted: 7 of 1010 runs were canceled or not started\n",
		}},
		{"for programs", "json", []string{
			"interrupted: 7 of 1010 runs were canceled or not started\n",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			f, err := FormatNamed(tt.format)
			if err != nil {
				t.Fatal(err)
			}
			r := failing(t)
			r.Trace = nil
			v := f.New(Output{Out: &out, Errs: &out, Runs: 1010})
			if err := v.Close([]result.Result{*r}, Ending{Others: others}); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
		})
	}
}
