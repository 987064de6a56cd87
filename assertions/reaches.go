package assertions

import (
	"fmt"
	"math"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/proof"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgeReaches wants a socket to come to a state. Queues, timer and retransmissions are those of
// one look at the socket in that state. A selector without states takes any socket that exists.
func judgeReaches(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Reaches
	since, err := ev.since(x.Since)
	if err != nil {
		v.fail(NoSuchEvent, "the event "+string(x.Since), "no such event", err.Error())
		return
	}
	if x.HasDetails() {
		judgeReachesDetails(ev, x, since, v)
		return
	}
	lives := ev.lives(&x.Reaches)
	var first *stay
	maybe, earliest := false, time.Duration(math.MaxInt64)
	for _, l := range lives {
		if s := ev.firstStay(x.Reaches.State, l); s != nil && (first == nil || s.from < first.from) {
			first = s
		}
		for _, path := range l.Paths {
			for _, s := range ev.stays(x.Reaches.State, l, path, true) {
				maybe, earliest = true, min(earliest, s.within(s.measurable()).earliest)
			}
		}
	}
	switch {
	case first != nil:
		v.Sockets = first.socket.Samples
		if x.At != nil && x.At.Contains(first.from-since) != x.At.Contains(earliest-since) {
			ev.unseen(x.Reaches.Host, "first seen at "+x.At.Source, "when it was first there: between "+
				say.Duration(earliest-since)+" and "+say.Duration(first.from-since), v)
		} else if x.At != nil {
			v.sawSpan("reaches at", "first seen at", x.At, since, first.from)
		} else {
			v.saw(StateNotReached, true, x.Reaches.String(), first.path[first.first].State+" at "+ev.when(first.from))
		}
	case maybe:
		ev.unseen(x.Reaches.Host, "a socket of "+x.Reaches.String(), "whether there was one", v)
	default:
		if blind := ev.blind(&x.Reaches); blind != "" {
			ev.unseen(x.Reaches.Host, "a socket of "+x.Reaches.String(), blind, v)
		} else {
			v.saw(StateNotReached, false, "a socket of "+x.Reaches.String(), "none")
		}
	}
	if v.Status == Fail {
		ev.listStates(&x.Reaches, lives, v)
	}
}

// firstStay returns the first stay of a socket in one of the states, if it was there on each of its
// paths; nil if not.
func (ev *evidence) firstStay(states language.States, l *proof.Socket) *stay {
	var first *stay
	for _, path := range l.Paths {
		stays := ev.stays(states, l, path, false)
		if len(stays) == 0 {
			return nil
		}
		if first == nil || stays[0].from > first.from {
			first = &stays[0]
		}
	}
	return first
}

// judgeReachesDetails is judgeReaches where queues, timer or retransmissions are wanted: only a
// look at the socket shows them.
func judgeReachesDetails(
	ev *evidence, x *language.ReachesExpectation, since time.Duration, v *draft,
) {
	var nearly []int
	for _, i := range ev.sockets {
		k := ev.t.Events[i].Socket
		if k.Host != x.Reaches.Host || !portIs(x.Reaches.Local, k.Local) ||
			!portIs(x.Reaches.Remote, k.Remote) || !stateIs(x.Reaches.State, k.State) {
			continue
		}
		if !reachesDetails(x, k) {
			nearly = append(nearly, i)
			continue
		}
		v.Sockets = []int{i}
		at := ev.t.Events[i].T
		if x.At != nil {
			v.sawSpan("reaches at", "first seen at", x.At, since, at)
		} else {
			v.saw(StateNotReached, true, x.Reaches.String(), k.State+" at "+ev.when(at))
		}
		return
	}
	if len(nearly) == 0 {
		ev.notLookedAt(x, v)
		return
	}
	v.saw(StateNotReached, false, x.Socket(),
		fmt.Sprintf("the state %s, but with other values", say.Count(len(nearly), "time")))
	for _, i := range nearly {
		v.Sockets = append(v.Sockets, i)
		v.list(fmt.Sprintf("  %s %s", ev.when(ev.t.Events[i].T), socketLine(ev.t.Events[i].Socket)))
	}
}

// notLookedAt fails a verdict about queues, timer or retransmissions for which no look at the sockets
// found one in the state. One that was there between two looks may have had them, apart from
// retransmissions: they take longer.
func (ev *evidence) notLookedAt(x *language.ReachesExpectation, v *draft) {
	lives := ev.lives(&x.Reaches)
	for _, l := range lives {
		s := ev.firstStay(x.Reaches.State, l)
		if s == nil {
			continue
		}
		want, got := "a look at "+x.Socket(), "none"
		why := fmt.Sprintf("no look at the sockets found one in the state: %s", ev.stayText(s))
		if x.Retrans != nil && !x.Retrans.Contains(0) {
			v.fail(StateNotReached, want, got, fmt.Sprintf("wanted %s, saw none: %s", want, why))
		} else {
			v.unseen(want, "could not be seen", "it could not be seen whether its values were so: "+why)
		}
		ev.listStates(&x.Reaches, lives, v)
		return
	}
	v.saw(StateNotReached, false, "a socket of "+x.Reaches.String(), "none")
	ev.listStates(&x.Reaches, lives, v)
}

func reachesDetails(x *language.ReachesExpectation, k *trace.Socket) bool {
	return (x.RecvQ == nil || x.RecvQ.Contains(int64(k.RecvQ))) &&
		(x.SendQ == nil || x.SendQ.Contains(int64(k.SendQ))) &&
		(x.Timer == "" || x.Timer == timerName(k.Timer)) &&
		(x.Retrans == nil || x.Retrans.Contains(int64(k.Retrans)))
}
