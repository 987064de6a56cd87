package actor

import (
	"sync/atomic"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// lineWatch is an event that happens when programs of a step have printed the nth line that is as
// wanted.
type lineWatch struct {
	event language.EventRef
	lines *language.Lines
	holds func(string) bool
	nth   int64
	seen  atomic.Int64
}

// lineWatches returns the events of lines, by step.
func lineWatches(events []language.EventRef) map[string][]*lineWatch {
	all := map[string][]*lineWatch{}
	for _, ref := range events {
		e, err := ref.Parse()
		if err != nil || e.Log == nil {
			continue // the lab sends only such
		}
		all[e.Step] = append(all[e.Step], &lineWatch{
			event: ref, lines: &e.Log.Lines, holds: e.Log.Text().Matcher(), nth: int64(e.N),
		})
	}
	return all
}

// over reports whether the event has happened.
func (w *lineWatch) over() bool { return w.seen.Load() >= w.nth }

// take takes a line, and reports whether the event happens now.
func (w *lineWatch) take(l *trace.Line) bool {
	return !w.over() && w.lines.Of(l.N, string(l.Stream)) && w.holds(string(l.Text)) &&
		w.seen.Add(1) == w.nth
}
