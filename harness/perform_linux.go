package harness

import (
	"errors"
	"fmt"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// perform runs the actors to their end and writes the last events.
func (l *lab) perform() error {
	if l.Hold == HoldBefore {
		if err := l.seen.Sample(func() { l.now(trace.Event{Start: &trace.Start{}}) }); err != nil {
			return err
		}
		return l.finish(l.hold(trace.EndReleased), func() {})
	}
	l.doing("waiting for the actors' first steps")
	if err := l.prepare(); err != nil {
		return err
	}
	for _, w := range l.windows {
		if err := l.apply(w.start()); err != nil {
			return err
		}
	}
	// Sockets that the first steps have made, such as a LISTEN socket, are in the trace from the
	// start.
	if err := l.seen.Sample(func() { l.now(trace.Event{Start: &trace.Start{}}) }); err != nil {
		return err
	}
	l.doing("running the actors")
	stop := l.watchStarvation()
	defer stop()
	for _, a := range l.actors {
		a.begin()
	}
	began := l.Clock.Now()
	limited := began
	var deadline <-chan time.Time
	limit := func() {
		limited, deadline = l.Clock.Now(), time.After(l.Scenario.DeadlineOrDefault())
	}
	var released <-chan struct{}
	if l.Hold == HoldDuring {
		released = l.released
		l.out.Send(message{Held: true})
	} else {
		limit()
	}
	// An estimate may be too short to show that a step hangs, so only a duration that the scenario
	// sets ends the run.
	var duration <-chan time.Time
	if d := time.Duration(l.Scenario.Duration); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		duration = timer.C
	}
	elapsed := false
	var poll, read <-chan time.Time
	if len(l.watched.counted) > 0 {
		ticker := time.NewTicker(pollHits)
		defer ticker.Stop()
		poll = ticker.C
	}
	if len(l.watched.read) > 0 {
		ticker := time.NewTicker(readEvery)
		defer ticker.Stop()
		read = ticker.C
	}
	reason := trace.EndDone
	for reason == trace.EndDone && (released != nil || !l.allDone()) {
		if elapsed && released == nil && l.settled() {
			reason = trace.EndDuration
			break
		}
		select {
		case f := <-l.inbox:
			if err := f(); err != nil {
				return err
			}
		case <-poll:
			if err := l.countHits(); err != nil {
				return err
			}
		case <-read:
			if err := l.readHits(); err != nil {
				return err
			}
		case <-duration:
			elapsed = true
			l.endsLate(began + time.Duration(l.Scenario.Duration))
		case <-released:
			released = nil
			limit()
			l.out.Send(message{Resumed: limited})
		case <-deadline:
			reason = trace.EndDeadline
			l.endsLate(limited + l.Scenario.DeadlineOrDefault())
		case <-l.canceled:
			reason = trace.EndCanceled
		}
	}
	if reason == trace.EndDeadline || reason == trace.EndDuration {
		if err := l.stillStopped(); err != nil {
			return err
		}
	}
	if l.Hold == HoldAfter && reason != trace.EndCanceled {
		reason = l.hold(reason)
	}
	return l.finish(reason, stop)
}

// endsLate records how late the lab noticed that a time of the run was up.
func (l *lab) endsLate(due time.Duration) { l.late.add(trace.LateEnd, "", due, l.Clock.Now()) }

// prepareWithin is how long the actors have for their first steps, apart from programs that get ready.
const prepareWithin = 10 * time.Second

var errCanceledEarly = errors.New("the run was canceled before its actors began")

// prepare lets the actors that begin with a prelude, such as bind and listen, do it, and waits for
// them.
func (l *lab) prepare() error {
	for _, a := range l.actors {
		a.prepare()
	}
	limit := prepareWithin + l.readyWithin()
	patience := time.After(limit)
	working := time.NewTicker(prepareWithin) // so that the parent does not lose patience
	defer working.Stop()
	for !l.allPrepared() {
		select {
		case <-working.C:
			l.doing("waiting for the actors' first steps")
		case f := <-l.inbox:
			if err := f(); err != nil {
				return err
			}
		case <-l.canceled:
			return errCanceledEarly
		case <-patience:
			if err := l.stillStopped(); err != nil {
				return err
			}
			return fmt.Errorf("actor %s did not finish its first steps within %s", l.unprepared(),
				say.Duration(limit))
		}
	}
	return nil
}

// happened does everything that an event, in canonical form, sets off.
func (l *lab) happened(event language.EventRef) error {
	if err := l.setOff(event); err != nil {
		return err
	}
	l.passOn(event)
	return nil
}

// setOff reads the sockets as they are at an event, in canonical form, and then switches the faults
// and releases the packets that wait for it. Whoever causes the event stands still meanwhile: an
// actor at a gate, or a packet in a queue.
func (l *lab) setOff(event language.EventRef) error {
	if l.watched.sampled[event] {
		if err := l.seen.Sample(func() {
			l.now(trace.Event{Sampled: &trace.Sampled{Event: string(event)}})
		}); err != nil {
			return err
		}
	}
	for _, w := range l.windows {
		if err := l.apply(w.happened(event)); err != nil {
			return err
		}
	}
	l.faults.Happened(event)
	return nil
}

// passOn lets the actors see an event, in canonical form, and has the sockets sampled soon.
func (l *lab) passOn(event language.EventRef) {
	l.seen.Notice()
	for _, a := range l.actors {
		a.happened(event)
	}
}

// settle waits until everything that was sent has met the faults on its way, so that its hits are
// counted, and until it is known which actors were stopped. What their events set off still happens. Of
// a canceled run nobody counts hits, and its grace period is short.
func (l *lab) settle() error {
	settled := make(chan error, 1)
	go func() {
		l.reaper.Look()
		err := l.faults.Settle()
		select {
		case l.inbox <- func() error { settled <- err; return nil }: // after all that both have put there
		case <-l.over:
		}
	}()
	for {
		select {
		case f := <-l.inbox:
			if err := f(); err != nil {
				return err
			}
		case err := <-settled:
			return err
		case <-l.canceled:
			return nil
		}
	}
}

// finish emits the events of the end: hits, counters and the end itself. It calls unwatch once the
// programs are stopped.
func (l *lab) finish(reason trace.EndReason, unwatch func()) error {
	l.finishing = true
	l.out.Send(message{Ending: true})
	l.doing("stopping the programs that run beside")
	if err := l.stopPrograms(); err != nil {
		return err
	}
	unwatch()
	l.doing("waiting for the packets on their way")
	if err := l.settle(); err != nil {
		return err
	}
	l.doing("collecting the last lines of programs")
	if err := l.flush(); err != nil {
		return err
	}
	close(l.over)
	l.events.hold(l.Clock.Now())
	l.doing("reading the hits and counters")
	for i := range l.plan.Faults {
		name := l.plan.Faults[i].Name
		hits, err := l.faults.Hits(name)
		if err != nil {
			return err
		}
		l.now(trace.Event{Fault: &trace.Fault{Name: name, What: trace.FaultHits, Hits: hits}})
	}
	for i := range l.plan.Watches {
		event := l.plan.Watches[i].Event
		if n, happened := l.faults.Seen(event); !happened {
			l.now(trace.Event{Watched: &trace.Watched{Event: string(event), Seen: int64(n)}})
		}
	}
	for _, w := range l.states.left() {
		l.now(trace.Event{Watched: &w})
	}
	if err := l.seen.Counters(trace.After); err != nil {
		return err
	}
	l.doing("stopping the captures")
	if err := l.seen.Stop(); err != nil {
		return err
	}
	// What happens after the last look, while the lab ends, is not part of the run.
	looked, ended := l.seen.LastLook()
	for _, e := range l.late.events() {
		l.events.emit(e)
	}
	l.events.end(trace.Event{
		T: ended, End: &trace.End{Reason: reason, Looked: looked, Hanging: l.hanging()},
	})
	l.ended = true
	return nil
}
