package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"halfopen/harness/trace"
)

// collector puts the messages of a lab and the events of the kernel's tracepoints together.
type collector struct {
	lab    *labProcess
	kernel *tracepoints
	clock  trace.Clock
	trace  *trace.Trace
	// emit may be nil.
	emit func(trace.Event)
}

// collect reads the lab's messages to the end of the pipe.
func (c *collector) collect() error {
	defer c.kernel.stop()
	dec := json.NewDecoder(c.lab.events)
	for {
		var m message
		err := dec.Decode(&m)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil // if the lab died within a message, there is no end event, which Run notices
		case err != nil:
			return fmt.Errorf("reading the lab's events: %w", err)
		case m.Failure != nil:
			return m.Failure.error()
		case m.Namespaces != nil:
			watched := c.kernel.watch(m.Namespaces)
			c.add(trace.Event{T: c.clock.Now(), Tracepoints: watched})
			if err := c.lab.order(&order{Watched: true}); err != nil {
				return err
			}
		case m.Event != nil:
			c.merge(*m.Event)
		}
	}
}

// merge adds an event of the lab after the events of tracepoints that have come in so far. All of
// them precede the end of the run: what happens after it, to sockets whose processes end with the
// lab, is not part of the run.
func (c *collector) merge(e trace.Event) {
	if e.End != nil {
		c.kernel.stop()
	}
	for _, k := range c.kernel.take(c.clock) {
		if e.End == nil || k.T <= e.T {
			c.add(k)
		}
	}
	if e.End != nil {
		// The lab may have ended while its last messages were on their way.
		c.trace.Events = slices.DeleteFunc(c.trace.Events,
			func(k trace.Event) bool { return k.T > e.T && k.OfTracepoint() })
		for _, lost := range c.kernel.lost() {
			lost.T = e.T
			c.add(lost)
		}
	}
	c.add(e)
	if e.End != nil {
		_ = c.lab.control.Close() // lets the lab go; a canceled run has closed it already
	}
}

func (c *collector) add(e trace.Event) {
	c.trace.Add(e)
	if c.emit != nil {
		c.emit(e)
	}
}
