package assertions

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/proof"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// lives returns the sockets with a selector's host and ports, in the order in which they began.
func (ev *evidence) lives(s *language.SocketSelector) []*proof.Socket {
	if ev.proven == nil {
		ev.proven = map[string][]*proof.Socket{}
		for _, p := range proof.Sockets(ev.t, ev.scene) {
			ev.proven[p.Host] = append(ev.proven[p.Host], p)
		}
	}
	var all []*proof.Socket
	for _, p := range ev.proven[s.Host] {
		if portIs(s.Local, p.Local) && portIs(s.Remote, p.Remote) {
			all = append(all, p)
		}
	}
	return all
}

func portIs(want language.Ports, address string) bool {
	if len(want) == 0 {
		return true
	}
	a, err := netip.ParseAddrPort(address)
	return err == nil && want.Contain(int(a.Port()))
}

// stateIs reports whether a state is selected. A selector without states takes every state but
// CLOSED.
func stateIs(states language.States, state string) bool {
	if len(states) == 0 {
		return state != string(language.Closed)
	}
	return slices.Contains(states, language.State(state))
}

// stay is a time during which a socket was in a selected state, on one of its paths.
type stay struct {
	socket *proof.Socket
	path   []proof.Phase
	// first is the phase that began it, next the one that ended it: len(path) if it was open.
	first, next int
	// from is when it had begun, to when it had ended: the end of the run if open. Both may have
	// been earlier, from earliest and lasting.
	from, earliest, to, lasting time.Duration
	open                        bool
	// unknown is true if a phase of it is one in which nobody knows the state.
	unknown bool
}

// How far the two times between which a stay began, or ended, may be apart before a verdict does
// not rest on one of them: measured where a duration is judged, because looks are some milliseconds
// apart; momentary where it is judged whether a socket was there at an event.
const (
	measured  = 100 * time.Millisecond
	momentary = 5 * time.Millisecond
)

// measurable is how far the two times may be apart for a stay: an eighth of it, as kernel timers may
// be late, but no more than measured.
func (s *stay) measurable() time.Duration {
	return min(measured, max(momentary, (s.to-s.earliest)/8))
}

// within returns the stay with the two times of its beginning, and of its end, made one where they
// are no further apart than a tolerance.
func (s *stay) within(tolerance time.Duration) stay {
	sharp := *s
	if s.from-s.earliest <= tolerance {
		sharp.earliest = s.from
	}
	if s.to-s.lasting <= tolerance {
		sharp.lasting = s.to
	}
	return sharp
}

// atLooks returns the stay as within does for what is judged at events. If the sockets were read for
// an event between the two times of its end, that look was the one before the look that missed it: it
// saw the socket. If between those of its beginning, it did not.
func (ev *evidence) atLooks(s *stay, events ...language.EventRef) stay {
	sharp := s.within(momentary)
	for _, ref := range events {
		if ref == "" {
			continue
		}
		at := ev.sampled(ref)
		if ev.lookedBetween(s.socket, s.path[s.first], at) {
			sharp.earliest = sharp.from
		}
		if !s.open && ev.lookedBetween(s.socket, s.path[s.next], at) {
			sharp.lasting = sharp.to
		}
	}
	return sharp
}

// lookedBetween reports whether a look that was reported at a time is the one before the look that
// shows a phase of a socket.
func (ev *evidence) lookedBetween(l *proof.Socket, p proof.Phase, reported time.Duration) bool {
	return p.Source == proof.BySample && slices.ContainsFunc(l.Samples, func(i int) bool {
		e := &ev.t.Events[i]
		return e.T == p.From && e.Socket.Cookie != 0 && e.Socket.Last <= reported && reported < e.T
	})
}

// extremes returns the stay as short and as long as it may have been.
func (s *stay) extremes() [2]stay {
	short, long := *s, *s
	long.from = s.earliest
	short.to = max(s.lasting, s.from)
	return [2]stay{short, long}
}

// stays returns the times during which a socket was in a selected state on one of its paths.
// possible takes phases of unknown state as selected.
func (ev *evidence) stays(
	states language.States, s *proof.Socket, path []proof.Phase, possible bool,
) []stay {
	var all []stay
	var now *stay
	for i, p := range path {
		unknown := p.State == proof.Unknown
		is := unknown && possible || !unknown && stateIs(states, p.State)
		switch {
		case is && now == nil:
			now = &stay{socket: s, path: path, first: i, from: p.From, earliest: p.Earliest}
		case !is && now != nil:
			now.next, now.to, now.lasting = i, p.From, p.Earliest
			all, now = append(all, *now), nil
		}
		if is && unknown {
			now.unknown = true
		}
	}
	if now != nil {
		now.next, now.to, now.lasting, now.open = len(path), ev.ended, ev.ended, true
		all = append(all, *now)
	}
	return all
}

// listStates lists the states that sockets went through, with their times, and makes their samples
// the sockets of the verdict.
func (ev *evidence) listStates(s *language.SocketSelector, lives []*proof.Socket, v *draft) {
	if len(lives) == 0 {
		others := ev.lives(&language.SocketSelector{Host: s.Host})
		if len(others) == 0 {
			v.list("no socket at all was seen on " + s.Host)
			return
		}
		v.list("other sockets of " + s.Host + ":")
		lives = others
	} else {
		v.list("seen on " + s.Host + ":")
	}
	for _, l := range lives {
		v.Sockets = append(v.Sockets, l.Samples...)
		for i, path := range l.Paths {
			head := fmt.Sprintf("  %s > %s:", l.Local, l.Remote)
			if i > 0 {
				head = strings.Repeat(" ", len(head)-len(" or")) + " or"
			}
			v.list(head + " " + ev.pathText(path))
		}
	}
	slices.Sort(v.Sockets)
	v.Sockets = slices.Compact(v.Sockets)
}

// pathText lists the states of a path with their beginnings: "SYN_SENT 0s, ESTABLISHED 1ms".
func (ev *evidence) pathText(path []proof.Phase) string {
	if len(path) == 0 {
		return "none"
	}
	words := make([]string, len(path))
	for i, p := range path {
		words[i] = stateText(p.State) + " " + ev.when(p.From)
	}
	return strings.Join(words, ", ")
}

// noteNone notes for a verdict that passes without a socket that no socket of the run has the host
// and ports: the selector may have a mistake.
func (ev *evidence) noteNone(s *language.SocketSelector, lives []*proof.Socket, v *draft) {
	switch {
	case len(lives) > 0:
	case len(s.Local)+len(s.Remote) > 1:
		v.note("no socket of %s ever had these ports", s.Host)
	case len(s.Local)+len(s.Remote) > 0:
		v.note("no socket of %s ever had this port", s.Host)
	default:
		v.note("%s never had a TCP socket", s.Host)
	}
}

// stateText names a state.
func stateText(state string) string {
	if state == proof.Unknown {
		return "unknown"
	}
	return state
}

// stayText describes a stay: "ESTABLISHED from 1s to 3s (2s), then CLOSED", or with several states
// "CLOSE_WAIT, LAST_ACK from ...".
func (ev *evidence) stayText(s *stay) string {
	var states []string
	for _, p := range s.path[s.first:s.next] {
		states = append(states, stateText(p.State))
	}
	state := strings.Join(states, ", ")
	if s.open {
		return fmt.Sprintf("%s from %s to the end of the run (%s)", state, ev.when(s.from),
			say.Duration(s.to-s.from))
	}
	return fmt.Sprintf("%s from %s to %s (%s), then %s", state, ev.when(s.from), ev.when(s.to),
		say.Duration(s.to-s.from), stateText(s.path[s.next].State))
}

// socketLine describes a socket at one event.
func socketLine(k *trace.Socket) string {
	return fmt.Sprintf("%s recv-q %d send-q %d timer %s retrans %d", k.State, k.RecvQ, k.SendQ,
		timerName(k.Timer), k.Retrans)
}

// timerName names a timer; a trace has no name for one that is off.
func timerName(name string) string {
	if name == "" {
		return "off"
	}
	return name
}

// judged is what an expectation about one socket comes to on each of the paths that the evidence
// allows it.
type judged struct {
	yes, no int
}

func (j *judged) add(ok bool) {
	if ok {
		j.yes++
	} else {
		j.no++
	}
}

func (j *judged) always() bool { return j.yes > 0 && j.no == 0 }
func (j *judged) maybe() bool  { return j.yes > 0 && j.no > 0 }

// unseen fails a verdict on a host's sockets that the evidence cannot decide: what was wanted, what
// could not be seen, and how to see it.
func (ev *evidence) unseen(host, want, what string, v *draft) {
	text := "it could not be seen " + what + ": "
	if what == hiddenPorts {
		v.unseen(want, couldNotBeSeen, text+ev.blindness(host))
		return
	}
	if lost := ev.lostOf(host, trace.Transitions); lost.byKernel() {
		v.lost(LostReports, want, couldNotBeSeen, text+lost.text(), lost.text())
		return
	}
	if late := ev.lookedLate(host); ev.exact[host] && late >= worthSaying {
		// Of TIME_WAIT and some FIN_WAIT2 there are only looks, just before and after their timers.
		because := fmt.Sprintf("the sockets of %s were looked at up to %s late", host, say.Duration(late))
		v.lost(MachineLate, want, couldNotBeSeen, text+because, because)
		return
	}
	v.unseen(want, couldNotBeSeen, text+ev.blindness(host))
}

// lookedLate returns how late a look at the sockets of a host was at most.
func (ev *evidence) lookedLate(host string) time.Duration {
	late := time.Duration(0)
	for i := range ev.lateness.Parts {
		if p := &ev.lateness.Parts[i]; p.Part == trace.LateLook && p.Name == host {
			late = max(late, p.Worst)
		}
	}
	return late
}

// couldNotBeSeen is what a verdict saw that the evidence cannot decide.
const couldNotBeSeen = "could not be seen"

// losses are the events of one kind that a trace lacks of one host.
type losses struct {
	trace.Lost
}

// lostOf returns the events of a kind that the trace lacks of a host.
func (ev *evidence) lostOf(host string, kind trace.KernelEvent) losses {
	all := losses{trace.Lost{Host: host, Events: kind}}
	for i := range ev.t.Events {
		if l := ev.t.Events[i].Lost; l != nil && l.Host == host && l.Events == kind {
			all.N += l.N
			all.Kernel += l.Kernel
		}
	}
	return all
}

// byKernel reports whether it was the kernel that lost all of them. Another run may have them; events
// beyond what a trace keeps, no run has.
func (l *losses) byKernel() bool { return l.N > 0 && l.Kernel == l.N }

// text says what is missing.
func (l *losses) text() string {
	n := say.Count(l.N, string(l.Events))
	if l.byKernel() {
		text := fmt.Sprintf("the kernel lost its reports of up to %s of %s", n, l.Host)
		if l.Events == trace.Calls {
			text += ", or of what io_uring or a 32-bit program did"
		}
		return text
	}
	return fmt.Sprintf("%s of %s were lost", n, l.Host)
}

// blindness says why the states of a host's sockets could not be seen, and how to see them.
func (ev *evidence) blindness(host string) string {
	why := "the trace was recorded without the kernel's tracepoints"
	remedy := "run as root, or with --warp"
	for i := range ev.t.Events {
		switch e := &ev.t.Events[i]; {
		case e.Tracepoints != nil && e.Tracepoints.Off != "":
			why = "the kernel's tracepoints were not watched (" + e.Tracepoints.Off + ")"
			if e.Tracepoints.Off == trace.LeftAlone {
				remedy = "leave that out"
			}
		case e.Tracepoints != nil:
			why, remedy = "packets and samples leave it open", ""
			for _, g := range e.Tracepoints.Gaps {
				if g.Events == trace.Transitions {
					why = g.Text
				}
			}
		}
	}
	if lost := ev.lostOf(host, trace.Transitions); lost.N > 0 {
		why, remedy = lost.text(), "let fewer sockets change at once"
	}
	if remedy == "" {
		return why
	}
	return why + "; to see it, " + remedy
}
