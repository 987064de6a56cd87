package report

import (
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// manyRuns calls end with the results of a suite of n runs, of which one in ten fails in its own way, and
// prints lines: there is no drawing that two of them share.
func manyRuns(t testing.TB, n int, end func(*result.Result)) {
	base := [2]*result.Result{passing(t), failing(t)}
	base[1].Trace.Add(trace.Event{T: start, Program: &trace.Program{Actor: "client", Step: "exec", N: 1, What: trace.ProgramStarted, Command: []string{"sh"}}})
	for i := range 50 {
		base[1].Trace.Add(trace.Event{T: start, Line: &trace.Line{Actor: "client", Step: "exec", N: 1, Text: trace.Output(fmt.Sprintf("line %d of a program", i))}})
	}
	base[1].Trace.Sort()
	for i := range n {
		r := *base[0]
		if i%10 == 0 {
			r = *base[1]
		}
		s := *r.Scenario
		s.Name, s.Case = fmt.Sprintf("scenario-%d", i/100), fmt.Sprintf("case=%d", i%100)
		r.Scenario, r.Index, r.Facts = &s, i, result.FactsOf(r.Trace)
		end(&r)
	}
}

// A JUnit report of 10 000 runs takes less than 2 s and 100 MB.
func TestJUnitOfManyRuns(t *testing.T) {
	notRaced(t)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	runtime.GC()
	before, highest := heap(), uint64(0)
	var spent time.Duration
	out := &counting{}
	v := newJUnit(Output{Out: out, Errs: io.Discard})
	manyRuns(t, 10_000, func(r *result.Result) {
		began := processorTime(t)
		v.End(r)
		spent += processorTime(t) - began
		if r.Index%1000 == 0 {
			highest = max(highest, heap())
		}
	})
	began := processorTime(t)
	if err := v.Close(nil, Ending{}); err != nil {
		t.Fatal(err)
	}
	spent += processorTime(t) - began
	highest = max(highest, heap())
	t.Logf("%s of processor time, %d MB more in use, for %d MB of XML", spent, (highest-before)>>20, out.bytes>>20)
	if spent > 2*time.Second || highest > before+100<<20 {
		t.Errorf("want 2 s and 100 MB")
	}
	if out.bytes < 5<<20 {
		t.Errorf("%d bytes of XML are too few for so many runs", out.bytes)
	}
}

// Reports in all formats together cost less than 5 % of a suite of 1000 trivial runs, each of which takes
// the processor 25 ms or more (connect-refused).
func TestReportsOfTrivialRunsCostLittle(t *testing.T) {
	notRaced(t)
	const runs, run = 1000, 25 * time.Millisecond
	var tee Tee
	for i := range Formats {
		o := Output{Out: &counting{}, Errs: io.Discard, Summary: &counting{}, SummaryRoom: mostMarkdown, Runs: runs}
		tee.Reports = append(tee.Reports, Report{View: Formats[i].New(o)})
	}
	tee.View, tee.Reports = tee.Reports[0].View, tee.Reports[1:]
	r := passing(t)
	r.Facts = result.FactsOf(r.Trace)
	began := processorTime(t)
	for i := range runs {
		r := *r
		r.Index, r.N = i, i+1
		tee.Begin(&r.Run)
		tee.End(&r)
	}
	if err := tee.Close(nil, Ending{}); err != nil {
		t.Fatal(err)
	}
	spent := processorTime(t) - began
	t.Logf("%s for each run", spent/runs)
	if spent > runs*run/20 {
		t.Errorf("%s for each run, more than 5 %% of %s", spent/runs, run)
	}
}

// counting counts the bytes that are written.
type counting struct{ bytes int }

func (c *counting) Write(text []byte) (int, error) {
	c.bytes += len(text)
	return len(text), nil
}

// processorTime is that of this process: unlike the time of the day, it does not depend on what else the
// machine does.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
