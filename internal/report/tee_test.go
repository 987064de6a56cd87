package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// heard is a view that notes its calls.
type heard struct {
	name  string
	calls *[]string
	err   error
}

func (h *heard) note(call string) { *h.calls = append(*h.calls, h.name+" "+call) }

func (h *heard) Begin(*result.Run)                   { h.note("begin") }
func (h *heard) Event(*result.Run, *trace.Event)     { h.note("event") }
func (h *heard) End(*result.Result)                  { h.note("end") }
func (h *heard) Say(line string)                     { h.note("say " + line) }
func (h *heard) Close([]result.Result, Ending) error { h.note("close"); return h.err }
func (h *heard) ended() func(error) error {
	return func(err error) error { h.note("done"); return err }
}
func (h *following) Repeats(*result.Result) { h.note("repeats") }
func (h *following) Boots(result.Place) (booted func()) {
	h.note("boots")
	return func() { h.note("booted") }
}

// following is a view that also follows repeats and boots.
type following struct{ heard }

func TestATeePassesEverythingOn(t *testing.T) {
	var calls []string
	full := errors.New("the disk is full")
	first, second := &heard{"first", &calls, full}, &following{heard{"second", &calls, nil}}
	tee := &Tee{
		View:    &following{heard{"terminal", &calls, nil}},
		Reports: []Report{{View: first, Done: first.ended()}, {View: second}},
	}
	tee.Begin(nil)
	tee.Event(nil, nil)
	booted := tee.Boots(result.Place{})
	booted()
	tee.Repeats(nil)
	tee.End(nil)
	tee.Say("a line")
	if err := tee.Close(nil, Ending{}); !errors.Is(err, full) {
		t.Errorf("closing: %v, want %v", err, full)
	}
	var want []string
	for _, call := range []string{"begin", "event"} {
		want = append(want, "terminal "+call, "first "+call, "second "+call)
	}
	for _, call := range []string{"boots", "booted", "repeats"} {
		want = append(want, "terminal "+call, "second "+call)
	}
	want = append(want, "terminal end", "first end", "second end", "terminal say a line",
		"terminal close", "first close", "first done", "second close")
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAReportThatIsLostIsAnErrorOfTheTee(t *testing.T) {
	var calls []string
	tee := &Tee{View: &heard{"terminal", &calls, nil}}
	if err := tee.Close(nil, Ending{}); err != nil {
		t.Errorf("closing: %v", err)
	}
	whole := &heard{"report", &calls, nil}
	lost := errors.New("no space left")
	tee.Reports = []Report{{View: whole, Done: func(err error) error { return fmt.Errorf("after %v: %w", err, lost) }}}
	if err := tee.Close(nil, Ending{}); !errors.Is(err, lost) || err.Error() != "after <nil>: no space left" {
		t.Errorf("closing: %v, want that of Done", err)
	}
}

// Runs end on several goroutines at once, and the reports list them in the order of the suite.
func TestRunsThatEndAtOnceAreReportedInOrder(t *testing.T) {
	const runs = 24
	for _, f := range Formats {
		if f.Grows {
			continue // it writes runs as they end
		}
		t.Run(f.Name, func(t *testing.T) {
			var out, errs bytes.Buffer
			v := f.New(Output{Out: &out, Errs: &errs, Runs: runs})
			var all sync.WaitGroup
			for i := range runs {
				r := *failing(t)
				s := *r.Scenario
				s.Case = fmt.Sprintf("case-%02d.", i)
				r.Scenario, r.Index, r.Verdicts = &s, i, r.Verdicts[:1]
				r.Verdicts[0].Title = fmt.Sprintf("expectation %02d.", i)
				all.Go(func() {
					v.Begin(&r.Run)
					v.End(&r)
				})
			}
			all.Wait()
			if err := v.Close(nil, Ending{}); err != nil {
				t.Fatal(err)
			}
			text, listed := out.String(), 0
			for i := range runs {
				at := strings.Index(text, fmt.Sprintf("case-%02d.", i))
				if at < 0 {
					break
				}
				text, listed = text[at:], listed+1
			}
			want := runs
			if f.NoPath {
				want = mostAnnotations - 1
			}
			if listed != want {
				t.Errorf("%d runs in order, want %d, in:\n%s", listed, want, out.String())
			}
		})
	}
}
