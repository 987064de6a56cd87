// Package observe watches the hosts of a lab: the packets at the ends of their links, the states of their TCP sockets,
// and their kernel counters. It changes nothing on them.
//
// Packets are captured with AF_PACKET sockets and carry the kernel's own timestamps. Socket states are sampled with
// sock_diag: quickly after packets, seldom in quiet. A state that lasts shorter than the time between two samples is not
// seen, and a change is dated to the sample that found it, never before it happened but up to one interval late:
// at most 1 ms after a packet at that host, 25 to 100 ms within the next 2 s, an eighth of the time since the packet after
// that. What a timer of the kernel changes is seen within some milliseconds, as the sockets tell when one is due, unless
// the kernel is late with it: then within an eighth of its delay. [Observer.Sample] brings that to
// zero at moments that matter. Hosts whose samples cost much are sampled more seldom: give each namespace a connection
// table of its own (write net.ipv4.tcp_child_ehash_entries in the namespace that makes it), so that they do not.
package observe

import (
	"errors"
	"fmt"
	"sync"

	"halfopen/harness/trace"
	"halfopen/internal/kernel"
)

// Namespace is a network namespace that can be entered.
type Namespace interface {
	// Do runs f on a thread that is in the namespace.
	Do(f func() error) error
}

// Host is a host to watch.
type Host struct {
	Name string
	NS   Namespace
	// Devices are the link ends where packets are captured: eth0, the devices of the wire, or lo. On lo, where the kernel
	// shows each packet leaving and again arriving, only the leaving one (Out) is kept.
	Devices []string
	// NoSockets leaves the host's sockets out, as for a wire that has none: each look at them would cost.
	NoSockets bool
}

// Observer watches hosts from [Open] to [Observer.Stop]. Its methods may be called from several goroutines.
type Observer struct {
	clock    trace.Clock
	emit     func(trace.Event)
	counters []hostCounters
	capture  *capture
	sampler  *sampler

	stop    sync.Once
	stopErr error
}

// hostCounters are the counters of one host.
type hostCounters struct {
	host string
	*kernel.Counters
}

// Open begins to watch the hosts; when it returns, no later packet is missed. The events are handed to emit, from
// several goroutines at once and not always in the order of their times: emit must be safe for that, and must not keep
// its caller waiting long. Packets come without a Summary, which is better made when the trace is written than while
// packets queue up. Of each frame snaplen bytes are kept.
//
// Needs CAP_NET_RAW and CAP_NET_ADMIN in the hosts' namespaces.
func Open(hosts []Host, snaplen int, clock trace.Clock, emit func(trace.Event)) (_ *Observer, err error) {
	o := &Observer{clock: clock, emit: emit}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	for _, h := range hosts {
		c := hostCounters{host: h.Name}
		err := h.NS.Do(func() (err error) {
			c.Counters, err = kernel.OpenCounters()
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("opening counters of %s: %w", h.Name, err)
		}
		o.counters = append(o.counters, c)
	}
	if o.sampler, err = newSampler(hosts, clock, emit); err != nil {
		return nil, err
	}
	if o.capture, err = newCapture(hosts, snaplen, clock, emit, o.sampler.wake); err != nil {
		return nil, err
	}
	o.sampler.start()
	o.capture.start()
	return o, nil
}

// Counters emits the kernel counters of every host, as they are now.
func (o *Observer) Counters(at trace.Moment) error {
	for _, c := range o.counters {
		now := o.clock.Now()
		values, err := c.Read()
		if err != nil {
			return fmt.Errorf("reading counters of %s: %w", c.host, err)
		}
		o.emit(trace.Event{T: now, Counters: &trace.Counters{Host: c.host, At: at, Values: values}})
	}
	return nil
}

// Sample looks at the sockets of all hosts now, emits the changes, and calls then before any socket is looked at again: all that
// has been emitted by that time was seen before, all that comes later is seen later. On an error then is not called.
func (o *Observer) Sample(then func()) error { return o.sampler.all(then) }

// Notice has the sockets of all hosts looked at soon, as after a packet: a program has done something.
func (o *Observer) Notice() { o.sampler.wakeAll() }

// Stop ends the watch. Before it returns, every packet captured so far and a last sample of the sockets have been
// emitted, and nothing is emitted after; it takes 2 s at most. Packets that were lost are told by a note that the trace
// is untrue. A second call returns what the first did.
func (o *Observer) Stop() error {
	o.stop.Do(func() {
		o.stopErr = errors.Join(o.capture.stop(), o.sampler.stop())
		o.close()
	})
	return o.stopErr
}

func (o *Observer) close() {
	if o.capture != nil {
		o.capture.close()
	}
	if o.sampler != nil {
		o.sampler.close()
	}
	for _, c := range o.counters {
		c.Close()
	}
}
