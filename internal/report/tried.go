package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// Tried is how the client of a try ended. Nobody judges such a run: this is its outcome.
type Tried struct {
	// Exit is its exit status, Killed the signal that ended it.
	Exit   int
	Killed string
	// Took is the time from its start to its end, or to the end of the run; Until is that moment.
	Took, Until time.Duration
	// Started is false if it never ran, Running if it ran when the run ended. TimedOut is set if its
	// timeout ended it.
	Started, Running, TimedOut bool
}

// Try returns how a program of a run ended.
func Try(t *trace.Trace, program language.StepRef) Tried {
	var tried Tried
	actor, step, _ := program.Split()
	for _, p := range t.Programs() {
		began := &t.Events[p.Started]
		if began.Program.Actor != actor || began.Program.Step != step {
			continue
		}
		tried.Started, tried.Running = true, p.Ended < 0
		_, tried.Until = t.End()
		if p.Ended >= 0 {
			end := t.Events[p.Ended].Program
			tried.Exit, tried.Killed, tried.Until = end.Exit, end.Killed, t.Events[p.Ended].T
		}
		tried.Took = tried.Until - began.T
	}
	for i := range t.Events {
		if st := t.Events[i].Step; st != nil && st.Actor == actor && st.ID == step {
			tried.TimedOut = st.Errno == "ETIMEDOUT"
		}
	}
	return tried
}

// String says how the program ended: "exit 28 after 5s", "still running after 3.8s, when the run
// ended".
func (t Tried) String() string {
	switch took := say.Duration(t.Took); {
	case !t.Started:
		return "did not start"
	case t.Running:
		return "still running after " + took + ", when the run ended"
	case t.TimedOut:
		return "still running after " + took + ", and stopped by the timeout"
	case t.Killed != "":
		return "killed by SIG" + t.Killed + " after " + took
	default:
		return fmt.Sprintf("exit %d after %s", t.Exit, took)
	}
}

// mostHung is how many sockets of a program that hung are named.
const mostHung = 4

// Answer is the text after a try: how the client ended, what the faults did, the last lines of all
// programs, and the ladder.
func (t Tried) Answer(r *result.Result, program language.StepRef, k Look) string {
	var b strings.Builder
	actor, step, _ := program.Split()
	st := good
	if !t.Started || t.Running || t.TimedOut || t.Killed != "" || t.Exit != 0 {
		st = bad
	}
	answer := t.String()
	for i := range r.Trace.Events {
		if s := r.Trace.Events[i].Step; s != nil && s.Actor == actor && s.ID == step && s.Problem != "" {
			answer += ": " + s.Problem
		}
	}
	var first strings.Builder
	wrapTo(&first, k, "", fill(actor, 6)+"  ", answer)
	b.WriteString(paint(k.Color, st, strings.TrimSuffix(first.String(), "\n")) + "\n")
	states := statesOf(r)
	if t.Running || t.TimedOut {
		t.writeHung(&b, r, actor, states, k)
	}
	writeBeside(&b, r.Trace, t.Until, k)
	for _, f := range result.FaultsOf(r.Trace) {
		text := struckText(r.Scenario.Fault(f.Name), &f)
		if k.Verbose {
			text = faultText(&f)
		}
		wrapTo(&b, k, "", "fault   ", text)
	}
	if text := programsText(r, k, "  ", mostPrograms, nil); text != "" {
		b.WriteString("\nWhat the programs printed last:\n" + text)
	}
	rows, lines, calls := caseRows, 0, caseCalls
	if k.Verbose {
		rows, lines, calls = verboseRows, verboseLines, verboseCalls
	}
	b.WriteString("\nWhat happened between them:\n" +
		ladderOf(r, k, LadderOptions{MaxRows: rows, Lines: lines, Calls: calls, states: states}))
	return k.plain(b.String())
}

// writeBeside names the servers that did not get ready, or ended before the client.
func writeBeside(b *strings.Builder, t *trace.Trace, until time.Duration, k Look) {
	done, unready := map[string]bool{}, map[string]bool{} // steps
	for i := range t.Events {
		s := t.Events[i].Step
		if s == nil {
			continue
		}
		done[s.Actor+"."+s.ID] = true
		if s.Op != "start" || s.Errno == "" && s.Problem == "" {
			continue
		}
		unready[s.Actor+"."+s.ID] = true
		text := cmp.Or(s.Problem, s.Value)
		if s.Errno == "ESRCH" {
			text += " (" + exitText(&trace.Program{Exit: s.Exit, Killed: s.Killed}) + ")"
		}
		wrapTo(b, k, "", fill(s.Actor, 6)+"  ", "did not get ready: "+text)
	}
	for _, p := range t.Programs() {
		began := &t.Events[p.Started]
		step := began.Program.Actor + "." + began.Program.Step
		heading := fill(began.Program.Actor, 6) + "  "
		switch {
		case !began.Program.Beside, unready[step]:
		case !done[step]:
			wrapTo(b, k, "", heading, "was not ready when the run ended")
		case p.Ended >= 0 && t.Events[p.Ended].T < until && t.Events[p.Ended].Program.Killed != "TERM":
			wrapTo(b, k, "", heading, fmt.Sprintf("ended by itself: %s after %s",
				exitText(t.Events[p.Ended].Program), say.Duration(t.Events[p.Ended].T-began.T)))
		}
	}
}

// struckText says what a fault did, in the words that make it.
func struckText(f *language.Fault, line *result.FaultHits) string {
	text := line.Name
	if f != nil {
		text += ": " + f.Phrase()
	}
	if line.Hits == 0 {
		why := "no such packet came while it was in force"
		if f != nil {
			why = cmp.Or(whyNothing[f.Do.Kind()], why)
		}
		return text + ": struck nothing: " + why
	}
	return text + ": struck " + say.Count(line.Hits, "packet")
}

// whyNothing says why actions struck nothing that can do so although their packets came: they count
// a packet only when it is late, sent again or overtaken.
var whyNothing = map[string]string{
	"hold":    "no such packet came before its event",
	"replay":  "no such packet came, or the run ended before it was sent again",
	"reorder": "no such packet came, or none was overtaken",
}

// notHeld are the states of sockets that no program waits for.
var notHeld = []string{closed, string(language.Listening), string(language.TimeWait)}

// beforeStop is how long before the end of a program that its timeout stopped its sockets are looked at:
// it closes them when it gets the signal.
const beforeStop = 10 * time.Millisecond

// writeHung names the open TCP sockets of the host of an actor when its program was stopped, or the run
// ended, and how long they had been in their state.
func (t *Tried) writeHung(b *strings.Builder, r *result.Result, actor string, states func() []StateLine, k Look) {
	at := t.Until
	if t.TimedOut {
		at -= beforeStop
	}
	host := hostOf(r.Scenario, actor)
	var open []string
	for _, l := range states() {
		i := slices.IndexFunc(l.Spans, func(s StateSpan) bool { return s.From <= at && at <= s.To })
		if l.Host != host || i < 0 || slices.Contains(notHeld, l.Spans[i].State) {
			continue
		}
		s := l.Spans[i]
		open = append(open, fmt.Sprintf("%s -> %s: had been in %s for %s", l.Local, l.Remote, s.String(), say.Duration(at-s.From)))
	}
	if len(open) == 0 {
		wrapTo(b, k, "", "        ", "no TCP connection of its host was open then")
	}
	for _, text := range open[max(len(open)-mostHung, 0):] {
		wrapTo(b, k, "", "socket  ", text)
	}
	if n := len(open) - mostHung; n > 0 {
		wrapTo(b, k, "", "        ", "and "+say.Count(n, "more socket"))
	}
}

// TryView follows the run of a try. It shows that the run goes on, and, with [Output.Logs], what programs
// print.
type TryView struct {
	*live
	// Result is the result of the run.
	Result *result.Result
}

// NewTryView returns the view.
func NewTryView(o Output) *TryView { return &TryView{live: newLive(o, false, nil)} }

// Look is how the view writes.
func (v *TryView) Look() Look { return v.look }

// End keeps the result.
func (v *TryView) End(r *result.Result) {
	v.Result = r
	v.stopped(&r.Run, "")
}

// Close removes the live line.
func (v *TryView) Close() { v.progress.Close() }

// Struck returns how often each fault of a run struck, by name.
func Struck(t *trace.Trace) map[string]uint64 {
	hits := map[string]uint64{}
	for _, f := range result.FaultsOf(t) {
		hits[f.Name] = f.Hits
	}
	return hits
}
