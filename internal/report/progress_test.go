package report

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func span(d time.Duration) language.Span { return language.TimerSpan(d) }

func TestWaitingSaysWhatARunWaitsFor(t *testing.T) {
	s, tr := synBackoff(t)
	s.Expect = []language.Expectation{{Packets: &language.PacketsExpectation{
		Packets: language.Selector{From: "client", TCP: language.Kinds{language.SYN}},
		Count:   &language.Count{Min: 3, Max: 3}, Gaps: []language.Span{span(time.Second), span(2 * time.Second)},
	}}}
	w := newWaiting(s)
	if got := w.text(0); got != "building the lab" {
		t.Errorf("before the start: %q", got)
	}
	for _, c := range []struct {
		name  string
		until time.Duration
		now   time.Duration
		want  string
	}{
		{"between two SYNs", 500 * ms, 700 * ms, "client.connect: SYN 1 of 3, next in 0.3 s"},
		{"a SYN that is late", 500 * ms, 1010 * ms, "client.connect: SYN 1 of 3, next any moment"},
		{"after the second SYN", 1500 * ms, 1524 * ms, "client.connect: SYN 2 of 3, next in 1.5 s"},
		{"after the connect", 3071 * ms, 3072 * ms, "waiting: SYN 2 of 3, next any moment"},
		{"after the end", 4000 * ms, 4000 * ms, "judging"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWaiting(s)
			for i := range tr.Events {
				if tr.Events[i].T <= start+c.until {
					e := tr.Events[i].Whole()
					w.event(&e)
				}
			}
			if got := w.text(start + c.now); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWaitingPrefersABlockingStepToAnAccept(t *testing.T) {
	w := newWaiting(&language.Scenario{})
	w.event(&trace.Event{Start: &trace.Start{}})
	w.event(&trace.Event{T: ms, Start: &trace.Start{Actor: "server", Step: "accept", Op: "accept", N: 1}})
	if got, want := w.text(501*ms), "server.accept for 0.5 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w.event(&trace.Event{T: 300 * ms, Start: &trace.Start{Actor: "client", Step: "recv", Op: "recv", N: 2}})
	if got, want := w.text(1500*ms), "client.recv[2] for 1.2 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w.event(&trace.Event{T: 2000 * ms, Step: &trace.Step{Actor: "client", ID: "recv", Op: "recv", N: 2}})
	if got, want := w.text(2001*ms), "server.accept for 2.0 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// lockedBuffer is written by the goroutine of the live lines and read by the test.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestProgressOfManyCasesAtOncePrintsEachOutcomeOnce(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprintf("live=%v", live), func(t *testing.T) {
			const cases = 40
			s, tr := synBackoff(t)
			var out lockedBuffer
			p := NewProgress(&out, ProgressOptions{Live: live, Total: cases, MaxLive: 4})
			var wg sync.WaitGroup
			for n := range cases {
				wg.Go(func() {
					w := p.Case(s.ID(), s)
					for i := range tr.Events {
						e := tr.Events[i].Whole()
						w.Event(&e)
					}
					w.Done(n%10 == 0, fmt.Sprintf("outcome %d.", n))
				})
			}
			wg.Wait()
			summary := p.summary()
			p.Close()
			if !strings.HasPrefix(summary, "40 of 40 done, 4 failed, 0 running, ") {
				t.Errorf("summary %q", summary)
			}
			for n := range cases {
				if got := strings.Count(out.String(), fmt.Sprintf("outcome %d.", n)); got != 1 {
					t.Errorf("outcome %d printed %d times, want once", n, got)
				}
			}
		})
	}
}

func TestProgressShowsALineForARunningCase(t *testing.T) {
	s, tr := synBackoff(t)
	var out lockedBuffer
	p := NewProgress(&out, ProgressOptions{Live: true, Total: 2})
	w := p.Case(s.ID(), s)
	for i := range tr.Events {
		if tr.Events[i].T <= start+500*ms {
			e := tr.Events[i].Whole()
			w.Event(&e)
		}
	}
	deadline := time.After(10 * time.Second)
	for !strings.Contains(out.String(), "client.connect for") || !strings.Contains(out.String(), "0 of 2 done, 1 running") {
		select {
		case <-deadline:
			t.Fatalf("no live line of the connect within 10 s; the screen got %q", out.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	w.Done(false, "PASS")
	p.Close()
}

func TestProgressWithoutATerminalSaysWhenACaseStartsIfVerbose(t *testing.T) {
	s, _ := synBackoff(t)
	var out bytes.Buffer
	p := NewProgress(&out, ProgressOptions{Verbose: true, Total: 1})
	p.Case(s.ID(), s).Done(false, "PASS syn-retry-backoff")
	p.Close()
	if got, want := out.String(), "RUN  syn-retry-backoff retries=1\nPASS syn-retry-backoff\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Where there is no terminal to draw on, a view that prints nothing for the runs that pass says from
// time to time how far it is.
func TestProgressLogsASummaryFromTimeToTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration
		want  string
	}{
		{"whenever a run ends after that time", 1, "1 of 2 done, 1 running, 0 s\n2 of 2 done, 1 failed, 0 running, 0 s\n"},
		{"not before it", time.Hour, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, log bytes.Buffer
			p := NewProgress(&out, ProgressOptions{Total: 2, Log: &log, Every: c.every})
			first, second := p.Case("a", &language.Scenario{}), p.Case("b", &language.Scenario{})
			first.Done(false, "")
			second.Done(true, "FAIL b")
			p.Close()
			if out.String() != "FAIL b\n" || log.String() != c.want {
				t.Errorf("printed %q, logged %q; want %q", &out, &log, c.want)
			}
		})
	}
}

// Somebody who waits for a virtual machine sees it, and afterwards how long that took.
func TestProgressSaysThatVirtualMachinesBoot(t *testing.T) {
	p := NewProgress(&bytes.Buffer{}, ProgressOptions{Total: 2})
	one, two := p.Boots(), p.Boots()
	for _, want := range []string{"2 virtual machines booting", "1 virtual machine booting", ""} {
		got := p.summary()
		if want == "" && strings.Contains(got, "booting") || !strings.HasPrefix(got, "0 of 2 done, 0 running") || !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		one()
		one, two = two, func() {}
	}
	if got := p.bootTime(); got != "" {
		t.Errorf("a short boot: %q", got)
	}
	p.tally.boot = 11100 * time.Millisecond
	if got, want := p.bootTime(), "before their first run, virtual machines took up to 11.1s to boot\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
