package harness

import (
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// sawState takes a socket that was seen in a state, and has everything done soon that waits for it. It
// returns at once, as its callers hold up the observers and the orders of the parent.
func (l *lab) sawState(e *trace.Event) {
	if len(l.states.all) == 0 {
		return
	}
	var happened []trace.Watched
	switch {
	case e.Socket != nil:
		s := e.Socket
		happened, _ = l.states.see(s.Host, s.Cookie, s.Local, s.Remote, s.State)
	case e.Transition != nil:
		t := e.Transition
		happened, _ = l.states.see(t.Host, t.Cookie, t.Local, t.Remote, t.State)
	}
	for i := range happened {
		w := &happened[i]
		l.emit(trace.Event{T: e.T, Watched: w})
		l.later(0, func() error {
			l.lookOften()
			return l.happened(language.EventRef(w.Event))
		})
	}
}

// lookOften looks often at the sockets of the hosts that need it, and at no others.
func (l *lab) lookOften() { l.seen.LookOften(l.states.looks(l.exact)) }

// reachedStates has transitions of sockets that events wait for sent to the lab, until the function
// that it returns is called. It must be called before the first comes.
func (c *collector) reachedStates() (stop func()) {
	if c.states == nil || len(c.states.all) == 0 {
		return func() {}
	}
	// Whoever sees them must not wait for the lab. Each counts for an event: there are not more than the
	// events wait for.
	most := 0
	for _, w := range c.states.all {
		most += w.event.N
	}
	reached, done := make(chan trace.Event, most), make(chan struct{})
	c.kernel.reached = func(e trace.Event) {
		t := e.Transition
		if _, counts := c.states.see(t.Host, t.Cookie, t.Local, t.Remote, t.State); counts {
			reached <- e
		}
	}
	go func() {
		defer close(done)
		for e := range reached {
			_ = c.lab.order(&order{Reached: &e}) // a lab that is gone waits for nothing
		}
	}()
	return func() { close(reached); <-done }
}
