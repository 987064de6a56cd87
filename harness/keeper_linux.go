package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	"halfopen/internal/say"
)

// limits are how long the parent of a lab waits for it.
type limits struct {
	// silence bounds each piece of work while the lab is built, and at its end.
	silence time.Duration
	// whole bounds the building, the end, and how late the events of a run may come, whatever the lab
	// says meanwhile.
	whole time.Duration
	// late is how long after its deadline the run must have begun to end.
	late time.Duration
	// canceled is how long a canceled lab has to write its last events.
	canceled time.Duration
	// away is how late the parent must look for it to have been stopped itself.
	away time.Duration
	// exit is how long the process may stay after its last event, death how long after SIGKILL.
	exit, death time.Duration
}

// usual are the limits of a lab. A thousand labs at once share locks of the kernel while they are
// built.
var usual = limits{
	silence:  time.Minute,
	whole:    5 * time.Minute,
	late:     10 * time.Second,
	canceled: 2 * time.Second,
	away:     time.Second,
	exit:     10 * time.Second,
	death:    30 * time.Second,
}

// stage is how far a lab has come.
type stage int

const (
	building stage = iota
	running        // its actors
	held           // for people, without a limit
	ending         // the run is over, and the last events come
	ended          // nothing more comes
)

// keeper knows when the time of a lab is up. The lab ends its run by itself at the deadline of the
// scenario, but it cannot if its PID 1 has been stopped, or hangs. The keeper is pure; its methods
// are safe for concurrent use.
type keeper struct {
	limits
	// deadline is the scenario's.
	deadline time.Duration

	mu    sync.Mutex
	stage stage
	// doing is the piece of work that the lab has reported last.
	doing string
	// heard is when its latest message came, since when the stage began.
	heard, since time.Time
	// from and latest are the times of the start and of the latest event, by the lab's own clock.
	from, latest time.Duration
	// kept is set if the lab is held after its last event.
	kept bool
	// pardoned is how long the lab has at least, because its parent was stopped.
	pardoned time.Time
	// moved gets a value when the stage has changed.
	moved chan struct{}
}

func newKeeper(l limits, deadline time.Duration, now time.Time) *keeper {
	return &keeper{
		limits: l, deadline: deadline, heard: now, since: now, doing: "starting",
		moved: make(chan struct{}, 1),
	}
}

// hear takes note of a message of the lab that has come now.
func (k *keeper) hear(m *message, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heard = now
	switch {
	case m.Held:
		k.move(held, now)
	case m.Resumed != 0:
		k.from, k.latest = m.Resumed, m.Resumed
		k.move(running, now)
	case m.Doing != "":
		k.doing = m.Doing
	case m.Ending:
		k.doing = "collecting its last events"
		k.move(ending, now)
	case m.Event != nil:
		k.latest = max(k.latest, m.Event.T)
		if m.Event.Start != nil && m.Event.Start.Step == "" && k.stage == building {
			k.from = m.Event.T
			k.move(running, now)
		}
	case m.Packets != nil:
		k.latest = max(k.latest, m.Packets.Last)
	}
}

// move changes the stage. The caller holds mu.
func (k *keeper) move(to stage, now time.Time) {
	k.stage, k.since = to, now
	select {
	case k.moved <- struct{}{}:
	default: // it has not been seen that it moved before
	}
}

// hold takes note that the lab is held from now on, after its last event.
func (k *keeper) hold(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = true
	k.move(held, now)
}

// release takes note that a lab was released from its hold: from now on its run has the time of the
// deadline, even if the lab does not answer.
func (k *keeper) release(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stage == held && !k.kept {
		k.heard, k.from = now, k.latest
		k.move(running, now)
	}
}

// rest takes note that nothing more comes from the lab.
func (k *keeper) rest(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heard = now
	k.move(ended, now)
}

// left returns how much time the lab has from now on, unless it is heard of before. If there is none,
// the error says what it did not do in time.
//
// Events of a run may come long after they happened, if they are many. So an event after the deadline
// proves that the run has not ended then, but the deadline alone proves nothing while events come.
//
// Nor does it if the parent itself was stopped (SIGSTOP) when the time was up: what the lab has said
// since waits to be read.
func (k *keeper) left(now time.Time) (time.Duration, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var due time.Time
	var why error
	switch most := k.since.Add(k.whole); k.stage {
	case building:
		due = k.heard.Add(k.silence)
		why = fmt.Errorf("it did not answer for %s while it was being built (%s)",
			say.Duration(k.silence), k.doing)
		if most.Before(due) {
			due = most
			why = fmt.Errorf("it was not built within %s (%s)", say.Duration(k.whole), k.doing)
		}
	case running:
		due = k.since.Add(k.deadline + k.late)
		if quiet := earlier(k.heard.Add(k.late), due.Add(k.whole)); quiet.After(due) {
			due = quiet
		}
		if k.latest-k.from > k.deadline+k.late {
			due = now
		}
		why = fmt.Errorf("it did not end within %s after its deadline of %s (%s)",
			say.Duration(k.late), say.Duration(k.deadline), k.doing)
	case held:
		return time.Hour, nil // and then again
	case ending:
		due = k.heard.Add(k.silence)
		why = fmt.Errorf("it did not answer for %s at its end (%s)", say.Duration(k.silence), k.doing)
		if most.Before(due) {
			due = most
			why = fmt.Errorf("it did not end within %s after its run (%s)",
				say.Duration(k.whole), k.doing)
		}
	case ended:
		due = k.heard.Add(k.exit)
		why = fmt.Errorf("its processes did not end within %s", say.Duration(k.exit))
	}
	if due.Before(k.pardoned) {
		due = k.pardoned
	}
	left := due.Sub(now)
	if left < -k.away {
		left = k.late
		k.pardoned = now.Add(left)
	}
	if left > 0 {
		return left, nil
	}
	return 0, why
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// keep ends the lab when the context is canceled or its time is up, and returns when its process has
// ended. The end of its control pipe orders a lab to stop; a lab that does not stop is killed. If
// even that does not end it, nobody waits for it any longer.
func (l *labProcess) keep(ctx context.Context) {
	defer close(l.kept)
	if !l.expired(ctx) {
		return
	}
	l.kill()
	select {
	case <-l.ended:
	case <-time.After(l.keeper.death):
		close(l.immortal)
		l.pipes.closeHere()
	}
}

// expired returns true when the lab must be killed, and false when its process has ended. It sets
// late.
func (l *labProcess) expired(ctx context.Context) bool {
	for {
		left, why := l.keeper.left(time.Now())
		if why != nil {
			l.late = fmt.Errorf("%w%s", why, stateOf(l.PID))
			return true
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-l.keeper.moved:
		case <-l.ended:
			timer.Stop()
			return false
		case <-ctx.Done():
			timer.Stop()
			return !l.stops()
		}
		timer.Stop()
	}
}

// stops orders the lab to stop, and reports whether it does.
func (l *labProcess) stops() bool {
	l.control.Close()
	select {
	case <-l.ended:
		return true
	case <-time.After(l.keeper.canceled):
		return false
	}
}
