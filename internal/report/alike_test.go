package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// repeated returns the repetition n of the failing run, with a step that took some ms.
func repeated(t *testing.T, n int) *result.Result {
	r := failing(t)
	r.N, r.Seed = n, 6+uint64(n)
	r.Verdicts[0].Got = fmt.Sprintf("it took %dms", n)
	return r
}

// outputOf ends runs in a view, one after the other, and returns its output.
func outputOf(format string, verbose bool, all ...*result.Result) string {
	var out bytes.Buffer
	f, _ := FormatNamed(format)
	v := f.New(Output{Out: &out, Errs: &out, Runs: len(all), Verbose: verbose})
	var results []result.Result
	for _, r := range all {
		v.Begin(&r.Run)
		v.End(r)
		results = append(results, *r)
	}
	_ = v.Close(results, Ending{Seed: 7})
	return out.String()
}

// drawn counts the ladders in an output, of which the failing run has one.
func drawn(text string) int { return strings.Count(text, "What happened on client and server:") }

func TestRepetitionsThatFailAlikeAreDrawnOnce(t *testing.T) {
	got := outputOf("pretty", false, repeated(t, 1), repeated(t, 2), repeated(t, 3))
	if drawn(got) != 1 {
		t.Errorf("%d are drawn, want 1:\n%s", drawn(got), got)
	}
	for _, want := range []string{
		"\n      as #1, seed 8: client.connect: ETIMEDOUT after 63s, saw it took 2ms; SYN from client: 6, gaps\n",
		"\n      as #1, seed 9: client.connect: ETIMEDOUT after 63s, saw it took 3ms; SYN from client: 6, gaps\n",
		"\n2 repetitions failed as an earlier one and are not drawn; -v draws all\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	// For each of these, one thing is different, and all are drawn.
	other := func(change func(*result.Result)) *result.Result {
		r := repeated(t, 2)
		change(r)
		return r
	}
	for name, second := range map[string]*result.Result{
		"another expectation fails": other(func(r *result.Result) { r.Verdicts[2].Status = assertions.Pass }),
		"another case":              other(func(r *result.Result) { r.Scenario.Case = "retries=2" }),
		"another IP version":        other(func(r *result.Result) { r.Scenario.IP, r.Scenario.Family = []language.Family{"v4", "v6"}, "v6" }),
		"another file":              other(func(r *result.Result) { r.Scenario.Pos.File = "other.yaml" }),
		"another kernel":            other(func(r *result.Result) { r.Place.Kernel = "6.1" }),
		"no repetition":             other(func(r *result.Result) { r.N = 0 }),
		"one is inconclusive":       other(func(r *result.Result) { r.Verdicts[0].Status = assertions.Inconclusive }),
	} {
		t.Run(name, func(t *testing.T) {
			if got := outputOf("pretty", false, repeated(t, 1), second); drawn(got) != 2 {
				t.Errorf("%d are drawn, want 2:\n%s", drawn(got), got)
			}
		})
	}
}

func TestEveryRepetitionIsInVerboseOutputAndInJSON(t *testing.T) {
	all := func() []*result.Result { return []*result.Result{repeated(t, 1), repeated(t, 2)} }
	if got := outputOf("pretty", true, all()...); drawn(got) != 2 || strings.Contains(got, "as #1") {
		t.Errorf("%d are drawn, want 2:\n%s", drawn(got), got)
	}
	got := outputOf("json", false, all()...)
	for _, want := range []string{`"it took 1ms"`, `"it took 2ms"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in:\n%s", want, got)
		}
	}
}

// However many ways to fail a run has, only some are drawn.
func TestNotEveryWayToFailIsDrawn(t *testing.T) {
	var all []*result.Result
	for n := 1; n <= mostDrawn+2; n++ {
		r := repeated(t, n)
		r.Verdicts[0].Title = fmt.Sprintf("way %d", n)
		all = append(all, r)
	}
	got := outputOf("pretty", false, all...)
	if drawn(got) != mostDrawn {
		t.Errorf("%d are drawn, want %d", drawn(got), mostDrawn)
	}
	if want := fmt.Sprintf("\n      seed %d: way %d, saw", 6+mostDrawn+1, mostDrawn+1); !strings.Contains(got, want) {
		t.Errorf("no %q in:\n%s", want, got)
	}
}

// A run that was canceled has not been done, and no line of the progress says so.
func TestCanceledRunsAreNotDone(t *testing.T) {
	for name, add := range map[string]func(Output) View{"runs": newPretty, "controls": newControl} {
		t.Run(name, func(t *testing.T) {
			v := add(Output{Out: &bytes.Buffer{}, Errs: &bytes.Buffer{}, Runs: 3})
			for _, status := range []result.Status{result.Pass, result.Canceled, result.Fail} {
				r := failing(t)
				if r.Status = status; status == result.Canceled {
					r.Trace, r.Verdicts = &trace.Trace{}, nil
				}
				v.Begin(&r.Run)
				v.End(r)
			}
			if got := progressIn(v).summary(); !strings.HasPrefix(got, "2 of 3 done, 1 failed, 0 running, ") {
				t.Errorf("%q", got)
			}
		})
	}
}

func progressIn(v View) *Progress {
	if c, ok := v.(*controlView); ok {
		return c.progress
	}
	return v.(*prettyView).progress
}
