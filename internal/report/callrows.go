package report

import (
	"fmt"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/callwords"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// slowCall is how long a call takes that a ladder shows at its beginning, too.
const slowCall = 10 * time.Millisecond

// callRanks says how much calls tell a reader.
type callRanks struct {
	*callwords.Words
	trace *trace.Trace
}

// mostTelling is the highest rank.
const mostTelling = 3

// rank says how much a call tells a reader: 0 is nothing, which a ladder leaves out.
func (w *callRanks) rank(a *trace.Attempt) int {
	c := w.trace.Events[a.Call].Call
	took := a.Ended - c.Began
	switch {
	case callwords.Waits(c.Name):
		// What is waited for shows in the calls after it, if it comes.
		if a.Errno == "" && !a.Unfinished && a.Result == 0 {
			return 1
		}
		return 0
	case c.Name == "socket" || c.Name == "setsockopt" || c.Name == "bind" || c.Name == "listen":
		if a.Errno != "" {
			return 2
		}
		return 0
	case c.Name == "getsockopt":
		if c.Value != "" && c.Value != "0" {
			return 2
		}
		return 0
	case c.Proto == "udp" && (c.Name == "connect" || c.Name == "close"):
		if a.Errno != "" && a.Errno != "EADDRNOTAVAIL" {
			return 2
		}
		return 0 // resolvers do it to learn their address
	case c.Name == "close" && c.Remote == "":
		return 0
	case a.Unfinished && a.Errno == "EAGAIN", a.Abandoned && a.Errno == "EAGAIN":
		if c.Name == "accept" || c.Name == "accept4" {
			return 0 // a server that waits for more
		}
		return 1
	case a.Errno == "EINTR":
		return 1 // mostly of a server that is stopped
	case c.Name == "accept" || c.Name == "accept4":
		if a.Errno != "" {
			return mostTelling
		}
		return 2
	case a.Unfinished, a.Errno != "", took >= slowCall:
		return mostTelling
	case !callwords.IsTransfer(c.Name), callwords.IsReceive(c.Name) && a.Result == 0:
		return 2
	}
	return 1
}

// callRows returns rows for at most so many calls of the programs of a run: those with the highest rank,
// the first ones of a rank. more says where the other calls are. A call that took long has a second row,
// at its beginning.
func callRows(s *language.Scenario, t *trace.Trace, most int, more string) []row {
	if most == 0 {
		return nil
	}
	w := callRanks{callwords.New(t), t}
	all := t.Attempts()
	closing := map[int]bool{} // the calls of close that the row of the call before them has
	for i := range all {
		closing[all[i].Then] = all[i].Abandoned
	}
	var shown []trace.Attempt
	for i := range all {
		if w.rank(&all[i]) > 0 && !closing[all[i].Call] {
			shown = append(shown, all[i])
		}
	}
	kept := w.keep(shown, most)
	var rows []row
	gone := 0
	for i := range shown {
		a := &shown[i]
		if !kept[i] {
			gone++
			continue
		}
		c := t.Events[a.Call].Call
		step := c.Step
		if c.N > 1 {
			step += fmt.Sprintf("[%d]", c.N)
		}
		text := actorPrefix(s, c.Actor) + step + ": " + w.Call(c)
		r := row{at: a.Ended, host: c.Host, text: text, end: " " + w.Outcome(a), call: true}
		if a.Ended-c.Began >= slowCall && !callwords.Waits(c.Name) {
			rows = append(rows, row{at: c.Began, host: c.Host, text: text, end: " ...", call: true})
		}
		rows = append(rows, r)
	}
	if gone > 0 {
		_, at := t.End()
		rows = append(rows, row{
			at: at, style: dim, text: say.Count(gone, "more call") + " of programs: " + more,
		})
	}
	rows = append(rows, lostRows(t)...)
	return append(rows, leftRows(s, t)...)
}

// lostRows says how many calls of programs were lost.
func lostRows(t *trace.Trace) []row {
	var rows []row
	for i := range t.Events {
		if e := &t.Events[i]; e.Lost != nil && e.Lost.Events == trace.Calls {
			rows = append(rows, row{
				at: e.T, host: e.Lost.Host, style: bad, call: true,
				text: say.Count(e.Lost.N, "call") + " of programs lost",
			})
		}
	}
	return rows
}

// howSeen says why there are no calls of programs, or that strace has seen them; "" if tracepoints have.
func howSeen(t *trace.Trace) string {
	if len(t.Programs()) == 0 {
		return ""
	}
	for i := range t.Events {
		seen := t.Events[i].Tracepoints
		if seen == nil || seen.Show(trace.Calls) {
			continue
		}
		if seen.Strace {
			return "the system calls of programs were seen by strace, which makes each slower"
		}
		why := seen.Off
		for _, gap := range seen.Gaps {
			if why == "" && gap.Events == trace.Calls {
				why = gap.Text
			}
		}
		return "the system calls of programs were not seen: " + why
	}
	return ""
}

// keep picks the attempts to be shown, of most at most.
func (w *callRanks) keep(shown []trace.Attempt, most int) map[int]bool {
	kept := map[int]bool{}
	for rank := mostTelling; rank > 0; rank-- {
		for i := range shown {
			if w.rank(&shown[i]) == rank && len(kept) < most {
				kept[i] = true
			}
		}
	}
	return kept
}

// leftRows says which programs made more calls than the trace has.
func leftRows(s *language.Scenario, t *trace.Trace) []row {
	var rows []row
	index := map[string]int{}
	counts := map[string]uint64{}
	for i := range t.Events {
		l := t.Events[i].CallsLeft
		if l == nil {
			continue
		}
		name := programName(&trace.Program{Actor: l.Actor, Step: l.Step, N: l.N})
		if _, ok := index[name]; !ok {
			index[name] = len(rows)
			rows = append(rows, row{at: t.Events[i].T, host: l.Host, style: dim, call: true})
		}
		counts[name] += l.Count
		rows[index[name]].text = fmt.Sprintf("%s: %s, not in the trace", name,
			say.Count(counts[name], "more call"))
	}
	return rows
}
