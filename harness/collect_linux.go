package harness

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"halfopen/internal/codec"

	"halfopen/harness/trace"
)

// mostPackets is how many packets a trace has, the first ones. A trace keeps packets in a file if they
// are very many, but needs some 50 bytes of memory for each while the run is judged. A million SYNs
// through the wire that are answered by RSTs are six million packets.
const mostPackets = 10_000_000

// collector puts the messages of a lab and the events of the kernel's tracepoints together.
type collector struct {
	lab    *labProcess
	kernel *tracepoints
	// states are the events that transitions of sockets make.
	states *stateWatches
	calls  *calls
	clock  trace.Clock
	trace  *trace.Trace
	// reasons is set if the trace must say which reasons for drops the kernel has.
	reasons bool
	// emit may be nil.
	emit func(trace.Event)
	// opened, if not nil, is called when the actors begin.
	opened func()
	// keep is set if the lab is not let go at the end of its run.
	keep bool
	// forget is set if only the end is added to the trace.
	forget bool
	// packets counts the packets of the lab. Those after the first most are left out, and those that
	// come once the trace has no file for them, for which full is the reason; left counts both.
	packets, most, left int
	full                error
	// latest is the time of the lab's latest event; waiting are the kernel's events after it.
	latest  time.Duration
	waiting []trace.Event
}

// collect reads the lab's messages up to the end of the run, or of the pipe.
func (c *collector) collect() error {
	defer c.reachedStates()()
	defer c.kernel.stop()
	defer c.calls.stop()
	dec := codec.NewDecoder(c.lab.events)
	for {
		var m message
		err := dec.Decode(&m)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil // if the lab died within a message, there is no end event, which Run notices
		case err != nil:
			return fmt.Errorf("reading the lab's events: %w", err)
		}
		c.lab.keeper.hear(&m, time.Now())
		switch {
		case m.Failure != nil:
			return m.Failure.error()
		case m.Held:
			close(c.lab.held) // it comes once
		case m.Namespaces != nil:
			watched := c.kernel.watch(m.Namespaces)
			if c.reasons {
				watched.DropReasons = c.kernel.dropReasons()
			}
			c.watchCalls(m.Namespaces, watched)
			c.add(trace.Event{T: c.clock.Now(), Tracepoints: watched})
			if err := c.lab.order(&order{Watched: watched}); err != nil {
				return err
			}
		case m.Event != nil:
			c.merge(*m.Event)
			if start := m.Event.Start; start != nil && start.Actor == "" && c.opened != nil {
				c.opened()
			}
			if m.Event.End != nil {
				return nil
			}
		case m.Calls != nil:
			c.calls.take(m.Calls)
		case m.Packets != nil:
			err := m.Packets.Each(func(at time.Duration, p *trace.Packet) {
				c.merge(trace.Event{T: at, Packet: p})
			})
			if err != nil {
				return fmt.Errorf("reading the lab's events: %w", err)
			}
		}
	}
}

// watchCalls watches the calls of programs as well, if the scenario runs any and tracepoints can be
// watched. That they cannot is a gap of these. Where they do not show calls, strace does, if the scenario
// says so.
func (c *collector) watchCalls(namespaces []namespace, watched *trace.Tracepoints) {
	if c.calls == nil {
		return
	}
	defer func() { watched.Strace = c.calls.byStrace && !watched.Show(trace.Calls) }()
	if watched.Off != "" {
		return
	}
	if err := c.calls.watch(namespaces); err != nil {
		watched.Gaps = append(watched.Gaps, trace.Gap{Events: trace.Calls, Text: err.Error()})
	}
}

// merge adds an event of the lab after those of the kernel that precede it. The kernel's come
// without delay, while the lab may have much to write.
func (c *collector) merge(e trace.Event) {
	if e.End != nil {
		c.end(e)
		return
	}
	if e.Program != nil {
		c.calls.started(e.Program)
	}
	c.latest = max(c.latest, e.T)
	if e.Packet != nil {
		if c.packets++; c.packets > c.most || c.full != nil {
			c.left++
			return
		}
		c.full = c.trace.Spilled()
	}
	c.waiting = append(c.waiting, c.kernel.take(c.clock)...)
	for len(c.waiting) > 0 && c.waiting[0].T <= c.latest {
		c.add(c.waiting[0])
		c.waiting = c.waiting[1:]
	}
	c.add(e)
}

// end adds the last events. What happens after the end of the run, to sockets whose processes end
// with the lab, is not part of it.
func (c *collector) end(e trace.Event) {
	c.calls.stop() // first: a call in progress has not ended yet
	c.kernel.stop()
	for _, k := range append(c.waiting, c.kernel.take(c.clock)...) {
		if k.T <= e.T {
			c.add(k)
		}
	}
	for _, k := range c.calls.events(e.T) {
		c.add(k)
	}
	for _, lost := range slices.Concat(c.kernel.lost(), c.calls.lost()) {
		lost.T = e.T
		c.add(lost)
	}
	if c.left > 0 {
		why := "more do not fit into memory"
		if c.full != nil {
			why = "there was no file for more: " + c.full.Error()
		}
		c.add(trace.Event{T: e.T, Note: &trace.Note{
			Untrue: true, Text: fmt.Sprintf("the trace has %d packets; the last %d were left out, because %s",
				c.packets-c.left, c.left, why),
		}})
	}
	c.add(e)
	if !c.keep {
		_ = c.lab.control.Close() // lets the lab go; a canceled run has closed it already
	}
}

func (c *collector) add(e trace.Event) {
	if !c.forget || e.End != nil {
		c.trace.Add(e)
	}
	if c.emit != nil {
		c.emit(e)
	}
}
