package report

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// ProgressOptions say how the progress of runs is shown.
type ProgressOptions struct {
	// Live shows a line for each running case, redrawn as time goes by: for terminals.
	Live bool
	// Color uses ANSI colors.
	Color bool
	// Verbose prints, where not live, a line when a case starts too.
	Verbose bool
	// Total is the number of cases that will be run.
	Total int
	// MaxLive is the most cases that have a line at once; 0 means 12. The others are counted in the last line.
	MaxLive int
}

// Progress shows what runs and what it waits for. It is safe for concurrent use. Close it before anything else is
// written to its output.
type Progress struct {
	o    ProgressOptions
	out  io.Writer
	bars *mpb.Progress
	last *mpb.Bar

	// mu orders lines and bars. It may be held while mpb is called, so no decorator takes it.
	mu      sync.Mutex
	waiting []*Watcher // without a line of their own
	shown   map[*Watcher]bool

	// tally is what the last line says; decorators take its lock and no other.
	tally struct {
		sync.Mutex
		done, failed, running, hidden int
		began                         time.Time
	}
}

// Watcher follows one run.
type Watcher struct {
	p  *Progress
	id string
	// estimate is how long the run should take, 0 if nobody knows.
	estimate time.Duration
	began    time.Time
	bar      *mpb.Bar

	mu      sync.Mutex
	waiting *waiting
	// offset is the wall clock at T 0 as far as events tell: they may come late, never early.
	offset time.Time
}

// NewProgress returns a progress that writes to out.
func NewProgress(out io.Writer, o ProgressOptions) *Progress {
	if o.MaxLive == 0 {
		o.MaxLive = 12
	}
	p := &Progress{o: o, out: out, shown: map[*Watcher]bool{}}
	p.tally.began = time.Now()
	if o.Live {
		p.bars = mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond), mpb.ForceTTY(), mpb.WithAutoRefresh())
		p.last = p.bars.New(0, mpb.NopStyle(), mpb.BarPriority(1<<30), mpb.PrependDecorators(decor.Any(func(st decor.Statistics) string {
			return cut(p.summary(), st.AvailableWidth, "...")
		})))
	}
	return p
}

// Case begins to follow a run that a person tells by id, usually [language.Scenario.ID].
func (p *Progress) Case(id string, s *language.Scenario) *Watcher {
	now := time.Now()
	w := &Watcher{p: p, id: id, estimate: s.Estimate(), began: now, offset: now, waiting: newWaiting(s)}
	p.count(func() { p.tally.running++ })
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.o.Live && p.o.Verbose:
		line := "RUN  " + w.id
		if w.estimate > time.Second {
			line += fmt.Sprintf("  about %.0f s", w.estimate.Seconds())
		}
		fmt.Fprintln(p.out, line)
	case p.o.Live && len(p.shown) < p.o.MaxLive:
		p.show(w)
	case p.o.Live:
		p.waiting = append(p.waiting, w)
		p.count(func() { p.tally.hidden = len(p.waiting) })
	}
	return w
}

// show gives a run its line; p.mu is held.
func (p *Progress) show(w *Watcher) {
	p.shown[w] = true
	w.bar = p.bars.New(0, mpb.NopStyle(), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Any(func(st decor.Statistics) string {
		return cut(w.line(time.Now()), st.AvailableWidth, "...")
	})))
}

func (p *Progress) count(change func()) {
	p.tally.Lock()
	defer p.tally.Unlock()
	change()
}

// summary is the last line: "12 of 27 done, 1 failed, 4 running, 8 s".
func (p *Progress) summary() string {
	p.tally.Lock()
	defer p.tally.Unlock()
	text := fmt.Sprintf("%d of %d done", p.tally.done, max(p.o.Total, p.tally.done))
	if p.tally.failed > 0 {
		text += paint(p.o.Color, bad, fmt.Sprintf(", %d failed", p.tally.failed))
	}
	text += fmt.Sprintf(", %d running", p.tally.running)
	if p.tally.hidden > 0 {
		text += fmt.Sprintf(" (%d not shown)", p.tally.hidden)
	}
	return text + fmt.Sprintf(", %.0f s", time.Since(p.tally.began).Seconds())
}

// Close takes the live lines away. Runs still followed are forgotten.
func (p *Progress) Close() {
	if p.bars == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.shown {
		w.bar.Abort(true)
	}
	p.last.Abort(true)
	// Waiting, unlike shutting down at once, draws a last time what was printed since.
	p.bars.Wait()
}

// Event takes the next event of the run. The event may be used elsewhere at the same time, but not changed.
func (w *Watcher) Event(e *trace.Event) {
	at := time.Now().Add(-e.T)
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Run != nil || at.Before(w.offset) {
		w.offset = at
	}
	w.waiting.event(e)
}

// Done ends the run's line and prints text, which may have several lines, for good: usually that of [Line].
func (w *Watcher) Done(failed bool, text string) {
	p := w.p
	p.count(func() {
		p.tally.running--
		p.tally.done++
		if failed {
			p.tally.failed++
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars == nil {
		fmt.Fprintln(p.out, text)
		return
	}
	if w.bar != nil {
		w.bar.Abort(true)
		delete(p.shown, w)
	}
	for i, o := range p.waiting {
		if o == w {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			break
		}
	}
	if w.bar != nil && len(p.waiting) > 0 {
		p.show(p.waiting[0])
		p.waiting = p.waiting[1:]
	}
	p.count(func() { p.tally.hidden = len(p.waiting) })
	if _, err := fmt.Fprintln(p.bars, text); err != nil {
		// The live lines are gone already; the outcome must not be.
		fmt.Fprintln(p.out, text)
	}
}

// line is the run's live line: "syn-retry-backoff retries=5  12.3 of 63 s  client.connect: SYN 4 of 6, next in 3.2 s".
func (w *Watcher) line(now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	elapsed := now.Sub(w.began)
	times := fmt.Sprintf("%.1f s", elapsed.Seconds())
	if w.estimate >= time.Second {
		times = fmt.Sprintf("%.1f of %.0f s", elapsed.Seconds(), w.estimate.Seconds())
	}
	return fmt.Sprintf("%-36s %12s  %s", w.id, times, w.waiting.text(now.Sub(w.offset)))
}
