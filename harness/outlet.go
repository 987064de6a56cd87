package harness

import (
	"sync"
	"time"

	"halfopen/harness/trace"
)

// outlet sends the events of a lab, up to the end of its run. While the lab takes down what
// observes, queues still strike packets and report them, and when the run has ended is known only
// later. It is safe for concurrent use.
type outlet struct {
	send func(trace.Event)

	mu      sync.Mutex
	holding bool          // mu
	since   time.Duration // mu; when holding began
	ended   bool          // mu
	held    []trace.Event // mu
}

// emit sends an event, or keeps it until the end if hold was called. After the end it does nothing.
func (o *outlet) emit(e trace.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended:
	case o.holding && e.T > o.since:
		o.held = append(o.held, e)
	default:
		o.send(e)
	}
}

// hold keeps all further events that happen after now: some may happen after the end.
func (o *outlet) hold(now time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holding, o.since = true, now
}

// end sends the events that were kept, without those that happened after the end, and then the end.
func (o *outlet) end(end trace.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.held {
		if e.T <= end.T {
			o.send(e)
		}
	}
	o.send(end)
	o.ended, o.held = true, nil
}
