package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/say"
)

// live is what the views for people have in common: on a terminal, colors and a live line for each
// run.
type live struct {
	out, errs io.Writer
	look      Look
	began     time.Time
	progress  *Progress
	alike     alike
	logs      logs

	mu       sync.Mutex
	watchers map[*result.Run]*Watcher
}

// newLive returns a live whose progress also writes the beginnings of runs if verbose is set. Where
// there is no terminal, log gets a summary from time to time, unless it is nil.
func newLive(o Output, verbose bool, log io.Writer) *live {
	look := LookFor(o.Out)
	look.Verbose, look.Shared = o.Verbose, o.Shared
	v := &live{
		out:   o.Out,
		errs:  o.Errs,
		look:  look,
		logs:  newLogs(o, look),
		began: time.Now(),
		progress: NewProgress(o.Out, ProgressOptions{
			Live:    drawable(o.Out) && !o.Quiet,
			Color:   look.Color,
			Verbose: verbose,
			Total:   o.Runs,
			Log:     log,
		}),
		watchers: map[*result.Run]*Watcher{},
	}
	for i := range o.Refused {
		v.progress.Print(refusedText(&o.Refused[i], look))
	}
	return v
}

// refusedText is a line about a file that is wrong, with its mistakes below.
func refusedText(f *Refused, k Look) string {
	text := paint(k.Color, bad, "WRONG") + " " + say.Printable(f.File)
	for _, line := range f.Texts() {
		text += "\n  " + say.Printable(line)
	}
	return k.plain(text)
}

// Begin adds the live line of a run.
func (v *live) Begin(r *result.Run) {
	w := v.progress.Case(v.look.id(r), r.Scenario)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watchers[r] = w
}

// Event shows in the live line what a run waits for, and with logs what its programs print.
func (v *live) Event(r *result.Run, e *trace.Event) {
	v.watcher(r).Event(e)
	v.logs.event(r, e, v.Say)
}

// Boots follows a virtual machine until it has booted.
func (v *live) Boots(result.Place) (booted func()) { return v.progress.Boots() }

func (v *live) watcher(r *result.Run) *Watcher {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.watchers[r]
}

// done removes the live line of a run, as [Watcher.Done] does.
func (v *live) done(r *result.Run, failed bool, text string) { v.forget(r).Done(failed, text) }

// stopped removes the live line of a run, as [Watcher.Stopped] does.
func (v *live) stopped(r *result.Run, text string) { v.forget(r).Stopped(text) }

func (v *live) forget(r *result.Run) *Watcher {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.watchers[r]
	delete(v.watchers, r)
	return w
}

// Say writes a line to the errors, or above the live lines.
func (v *live) Say(line string) {
	if v.progress.o.Live {
		v.progress.Print(line)
		return
	}
	fmt.Fprintln(v.errs, line)
}

// write writes the end of the output, the last lines after text.
func (v *live) write(text *strings.Builder, results []result.Result, e Ending) error {
	done, _ := finished(results, &e)
	text.WriteString(e.early(results))
	if e.Dir != "" && len(done)+e.Others.Ended() > 0 {
		which := "each run"
		if e.UntilFail {
			which = "each run that did not pass"
		}
		text.WriteString("trace, capture and verdict of " + which + " are in " + say.Printable(e.Dir) +
			"; draw them with halfopen inspect\n")
	}
	text.WriteString(lineOf(e.LeftOut))
	_, err := io.WriteString(v.out, text.String())
	return err
}
