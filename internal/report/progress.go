package report

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// ProgressOptions are the settings of a [Progress].
type ProgressOptions struct {
	// Live shows a line for each running case and redraws it as time passes. It is for terminals.
	Live bool
	// Color uses ANSI colors.
	Color bool
	// Verbose also prints a line when a case starts, if not Live.
	Verbose bool
	// Total is the number of cases that will be run; 0 if it is not known.
	Total int
	// Log, if not nil and not Live, gets the summary whenever a case ends and the last summary is
	// Every old; 0 means 10 s.
	Log   io.Writer
	Every time.Duration
	// MaxLive is the maximum of cases that have a line at the same time; 0 means 12. The last line
	// counts the others.
	MaxLive int
}

// Progress shows the running cases and what each waits for. It is safe for concurrent use. Close it
// before you write anything else to its output.
type Progress struct {
	o    ProgressOptions
	out  io.Writer
	bars *mpb.Progress
	last *mpb.Bar

	// mu orders lines and bars. It may be held during calls of mpb, so decorators must not take it.
	mu      sync.Mutex
	waiting []*Watcher // have no line yet
	shown   map[*Watcher]bool

	// tally has the numbers of the last line. Decorators take its lock and no other.
	tally struct {
		sync.Mutex
		done, failed, running, hidden int
		// booting is how many virtual machines boot, boot how long the slowest took so far.
		booting       int
		boot          time.Duration
		began, logged time.Time
	}
}

// Watcher follows one run.
type Watcher struct {
	p  *Progress
	id string
	// estimate is how long the run should take, 0 if that is not known.
	estimate time.Duration
	began    time.Time
	bar      *mpb.Bar

	mu      sync.Mutex
	waiting *waiting
	// offset is the wall clock at T 0, the earliest that events imply: they may come late, never
	// early.
	offset time.Time
}

// NewProgress returns a Progress that writes to out.
func NewProgress(out io.Writer, o ProgressOptions) *Progress {
	if o.MaxLive == 0 {
		o.MaxLive = 12
	}
	p := &Progress{o: o, out: out, shown: map[*Watcher]bool{}}
	if o.Every == 0 {
		p.o.Every = 10 * time.Second
	}
	p.tally.began = time.Now()
	p.tally.logged = p.tally.began
	if o.Live {
		p.bars = mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond),
			mpb.ForceTTY(), mpb.WithAutoRefresh())
		p.last = p.bars.New(0, mpb.NopStyle(), mpb.BarPriority(1<<30),
			mpb.PrependDecorators(decor.Any(func(st decor.Statistics) string {
				return cut(p.summary(), st.AvailableWidth, "...")
			})))
	}
	return p
}

// Case begins to follow a run. id is its name for people, usually [language.Scenario.ID].
func (p *Progress) Case(id string, s *language.Scenario) *Watcher {
	now := time.Now()
	w := &Watcher{
		p: p, id: say.Printable(id), estimate: s.Estimate(), began: now, offset: now, waiting: newWaiting(s),
	}
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

// show gives a run its line. p.mu must be held.
func (p *Progress) show(w *Watcher) {
	p.shown[w] = true
	w.bar = p.bars.New(0, mpb.NopStyle(), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(st decor.Statistics) string {
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
	if p.o.Total == 0 {
		text = fmt.Sprintf("%d done", p.tally.done)
	}
	if p.tally.failed > 0 {
		text += paint(p.o.Color, bad, fmt.Sprintf(", %d failed", p.tally.failed))
	}
	text += fmt.Sprintf(", %d running", p.tally.running)
	if p.tally.hidden > 0 {
		text += fmt.Sprintf(" (%d not shown)", p.tally.hidden)
	}
	if p.tally.booting > 0 {
		text += ", " + say.Count(p.tally.booting, "virtual machine") + " booting"
	}
	return text + fmt.Sprintf(", %.0f s", time.Since(p.tally.began).Seconds())
}

// Boots counts a virtual machine as booting until booted is called.
func (p *Progress) Boots() (booted func()) {
	began := time.Now()
	p.count(func() { p.tally.booting++ })
	return func() {
		p.count(func() {
			p.tally.booting--
			p.tally.boot = max(p.tally.boot, time.Since(began))
		})
	}
}

// bootTime is a line about the time that virtual machines took to boot; "" if that was short.
func (p *Progress) bootTime() string {
	p.tally.Lock()
	defer p.tally.Unlock()
	if p.tally.boot < time.Second {
		return ""
	}
	return fmt.Sprintf("before their first run, virtual machines took up to %s to boot\n", shortSeconds(p.tally.boot))
}

// logs reports whether it is time for a summary.
func (p *Progress) logs() bool {
	p.tally.Lock()
	defer p.tally.Unlock()
	if p.o.Log == nil || time.Since(p.tally.logged) < p.o.Every {
		return false
	}
	p.tally.logged = time.Now()
	return true
}

// Close removes the live lines and forgets the runs that have not ended.
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
	// Wait, unlike Shutdown, draws once more, with everything printed since.
	p.bars.Wait()
}

// Event takes the next event of the run. Others may read the event at the same time, but must not
// change it.
func (w *Watcher) Event(e *trace.Event) {
	at := time.Now().Add(-e.T)
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Run != nil || at.Before(w.offset) {
		w.offset = at
	}
	w.waiting.event(e)
}

// Print prints a line permanently, above the live lines.
func (p *Progress) Print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars == nil {
		fmt.Fprintln(p.out, text)
		return
	}
	if _, err := fmt.Fprintln(p.bars, text); err != nil {
		fmt.Fprintln(p.out, text) // the live lines are gone already
	}
}

// Done removes the run's live line and prints text permanently. It may have several lines; usually
// it is that of [Line]. An empty text is not printed.
func (w *Watcher) Done(failed bool, text string) {
	w.p.count(func() {
		w.p.tally.done++
		if failed {
			w.p.tally.failed++
		}
	})
	w.Stopped(text)
}

// Stopped is [Watcher.Done] for a run that was canceled: it does not count as done.
func (w *Watcher) Stopped(text string) {
	p := w.p
	p.count(func() { p.tally.running-- })
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars == nil {
		if text != "" {
			fmt.Fprintln(p.out, text)
		}
		if p.logs() {
			fmt.Fprintln(p.o.Log, p.summary())
		}
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
	if text == "" {
		return
	}
	if _, err := fmt.Fprintln(p.bars, text); err != nil {
		// The live lines are gone already, but the outcome must be printed.
		fmt.Fprintln(p.out, text)
	}
}

// line is the run's live line:
// "syn-retry-backoff retries=5  12.3 of 63 s  client.connect: SYN 4 of 6, next in 3.2 s".
func (w *Watcher) line(now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	elapsed := now.Sub(w.began)
	times := fmt.Sprintf("%.1f s", elapsed.Seconds())
	if w.estimate >= time.Second {
		times = fmt.Sprintf("%.1f of %.0f s", elapsed.Seconds(), w.estimate.Seconds())
	}
	return fmt.Sprintf("%s %12s  %s", fill(w.id, 36), times, w.waiting.text(now.Sub(w.offset)))
}
