// Package observe watches the hosts of a lab: the packets at the ends of their links, the states of
// their TCP sockets, and their kernel counters. It changes nothing on them.
//
// Packets are captured with AF_PACKET sockets and carry the kernel's own timestamps. Socket states
// are sampled with sock_diag, often after packets and rarely in quiet. Samples miss a state that is
// shorter than the time between two of them; internal/proof finds it by packets, steps and the
// kernel's tracepoints. A change gets the time of the sample that found it: never too early, but
// late by up to one interval. That is at most 1 ms right after a packet at that host, 25 to 100 ms
// within the next 2 s, and later an eighth of the time since the packet; after [Observer.Relax], 5
// to 25 ms right after a packet, and then half of the time since it. A change by a timer of the
// kernel is seen within some milliseconds, because the sockets report when a timer is due. If the
// kernel fires the timer late, the change is seen within an eighth of its delay. [Observer.Sample]
// brings the lateness to zero at moments that matter.
//
// Hosts with expensive samples are sampled less often. To avoid that, give each namespace its own
// connection table: write net.ipv4.tcp_child_ehash_entries in the namespace that makes it.
package observe

import (
	"errors"
	"fmt"
	"sync"
	"time"

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
	// Devices are the link ends where packets are captured: eth0, the devices of the wire, or lo.
	// On lo the kernel shows each packet twice, leaving and arriving. Only the leaving one (Out) is
	// kept.
	Devices []string
	// NoSockets turns off the sampling of the host's sockets, as for a wire, which has no sockets:
	// each sample would cost time.
	NoSockets bool
}

// Observer watches hosts from [Open] to [Observer.Stop]; [Observer.Close] ends its use. Its methods
// may be called from several goroutines.
type Observer struct {
	clock    trace.Clock
	emit     func(trace.Event)
	counters []hostCounters
	capture  *capture
	sampler  *sampler

	stop    sync.Once
	stopErr error
	// looked and ended are when the last look began and ended.
	looked, ended time.Duration
}

// hostCounters are the counters of one host.
type hostCounters struct {
	host string
	*kernel.Counters
	before map[string]int64
}

// Open starts to watch the hosts. Every packet after its return is captured. It passes events to
// emit from several goroutines at once, and not always in order of time. emit must be safe for that.
// It may make a packet wait: the kernel keeps the next ones meanwhile. The first snaplen bytes of each
// frame are kept; if snaplen is 0, only its headers, as [packet.HeadersLength] says.
//
// Open needs CAP_NET_RAW and CAP_NET_ADMIN in the hosts' namespaces.
func Open(
	hosts []Host, snaplen int, clock trace.Clock, emit func(trace.Event),
) (_ *Observer, err error) {
	o := &Observer{clock: clock, emit: emit}
	defer func() {
		if err != nil {
			o.Close()
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

// Counters emits the kernel counters of every host: first all, [trace.Before] the actors; then, after
// them, those that have changed.
func (o *Observer) Counters(at trace.Moment) error {
	for i := range o.counters {
		c := &o.counters[i]
		now := o.clock.Now()
		var values map[string]int64
		var err error
		if at == trace.Before {
			values, err = c.Read()
			c.before = values
		} else {
			values, err = c.Changed(c.before)
		}
		if err != nil {
			return fmt.Errorf("reading counters of %s: %w", c.host, err)
		}
		o.emit(trace.Event{T: now, Counters: &trace.Counters{Host: c.host, At: at, Values: values}})
	}
	return nil
}

// Sample samples the sockets of all hosts now, emits the changes, and calls then before any socket
// is sampled again. Changes emitted before that call were seen before it; changes emitted later are
// seen after it. If Sample fails, it does not call then.
func (o *Observer) Sample(then func()) error { return o.sampler.all(then) }

// Relax looks at sockets less often from now on, because their transitions are known from elsewhere.
func (o *Observer) Relax() { o.sampler.relax() }

// LookOften looks at the sockets of these hosts as often as is allowed, once a millisecond, until another
// call: something waits for a state that may not last.
func (o *Observer) LookOften(hosts map[string]bool) { o.sampler.lookOften(hosts) }

// Notice requests a sample of all hosts soon, as after a packet. Call it when a program has done
// something.
func (o *Observer) Notice() { o.sampler.wakeAll() }

// Stop ends the watch. It first emits every packet captured so far and a last sample of the
// sockets. Nothing is emitted after it returns. It takes at most 2 s. A note reports lost packets
// and marks the trace as untrue. A second call returns the result of the first.
func (o *Observer) Stop() error {
	o.stop.Do(func() {
		o.stopErr = o.capture.stop()
		o.looked = o.clock.Now()
		o.stopErr = errors.Join(o.stopErr, o.sampler.stop())
		o.ended = o.clock.Now()
	})
	return o.stopErr
}

// LastLook returns when the last look at the sockets began and ended, after [Observer.Stop].
func (o *Observer) LastLook() (began, ended time.Duration) { return o.looked, o.ended }

// Close closes what the observer has open, after [Observer.Stop]. Without io_uring, closing a packet
// socket takes the kernel some 10 ms.
func (o *Observer) Close() {
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
