package observe

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// sampler looks at the TCP sockets of hosts, from one goroutine by the schedule of each host, and from callers of all.
type sampler struct {
	clock trace.Clock
	emit  func(trace.Event)
	hosts []*sampledHost
	woken chan struct{}
	quit  chan struct{}
	done  chan struct{}
}

// sampledHost is a host with a sock_diag socket in its namespace.
type sampledHost struct {
	name string
	// packet is true once a packet was seen that no sample has answered.
	packet atomic.Bool

	// changes is nil for a host whose sockets are left out; what it points to belongs to mu.
	changes *changes

	mu       sync.Mutex
	diag     *diag    // mu; nil where there is nothing to sample, or no longer
	schedule schedule // mu
	sockets  []socket // mu
}

// stale is how long a dump may wait for the processor without being repeated.
const stale = time.Millisecond

func newSampler(hosts []Host, clock trace.Clock, emit func(trace.Event)) (*sampler, error) {
	s := &sampler{clock: clock, emit: emit, woken: make(chan struct{}, 1), quit: make(chan struct{})}
	for _, h := range hosts {
		if h.NoSockets {
			s.hosts = append(s.hosts, &sampledHost{name: h.Name})
			continue
		}
		d, err := openDiag(h.NS)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("opening sock_diag of %s: %w", h.Name, err)
		}
		s.hosts = append(s.hosts, &sampledHost{name: h.Name, diag: d, changes: newChanges(h.Name)})
	}
	return s, nil
}

// wake says that the host of that index has just had packets.
func (s *sampler) wake(host int) {
	if h := s.hosts[host]; h.changes == nil || h.packet.Swap(true) {
		return
	}
	select {
	case s.woken <- struct{}{}:
	default: // woken already, and not yet up
	}
}

// wakeAll says that something happened on some host without a packet, such as a system call.
func (s *sampler) wakeAll() {
	for i := range s.hosts {
		s.wake(i)
	}
}

func (s *sampler) start() {
	s.done = make(chan struct{})
	go s.run()
}

func (s *sampler) run() {
	defer close(s.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-s.woken:
		case <-timer.C:
		}
		now := s.clock.Now()
		// Hosts that are due soon are looked at together: one wake-up costs more than a sample.
		soon := now + closest/2
		due := now + time.Hour
		for _, h := range s.hosts {
			due = min(due, h.sampleIfDue(s, now, soon))
		}
		timer.Reset(max(due-s.clock.Now(), 0))
	}
}

// sampleIfDue samples the host if that is due by soon, and returns when it is due next. An error ends the host's
// sampling: it would come again each time.
func (h *sampledHost) sampleIfDue(s *sampler, now, soon time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.packet.Swap(false) {
		h.schedule.saw(now)
	}
	if h.diag == nil {
		return now + time.Hour
	}
	next := h.schedule.next()
	if h.schedule.idle() {
		soon = now + near // early by that much does no harm, and saves wake-ups
	}
	if next > soon {
		return next
	}
	if err := h.sample(s); err != nil {
		s.emit(trace.Event{T: s.clock.Now(), Note: &trace.Note{Text: err.Error() + "; its sockets are not seen from here on", Untrue: true}})
		_ = h.diag.close() // the error that counts has been told
		h.diag = nil
		return now + time.Hour
	}
	return h.schedule.next()
}

// sample dumps the host's sockets and emits what changed. The caller holds mu.
func (h *sampledHost) sample(s *sampler) error {
	var (
		began, cost time.Duration
		err         error
	)
	// A dump is lost only if its answer found no memory. And if something else had the processor meanwhile, it tells of a later
	// moment than that at which it began. The next one tries again.
	for range 3 {
		h.sockets = h.sockets[:0]
		began = s.clock.Now()
		cost = processorTime(func() {
			err = h.diag.dump(func(sk *socket) { h.sockets = append(h.sockets, *sk) })
		})
		waited := s.clock.Now() - began - cost
		if err == nil && waited < stale || err != nil && !errors.Is(err, unix.ENOBUFS) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("dumping the sockets of %s: %w", h.name, err)
	}
	h.schedule.did(began, cost)
	for i := range h.sockets {
		if h.sockets[i].timer != 0 {
			h.schedule.timer(h.sockets[i].expires)
		}
	}
	h.changes.dump(began, h.sockets, s.emit)
	return nil
}

// processorTime calls f and returns what it took of a processor, the kernel's work for it included; what f waits does not
// count. It is 0 where the kernel does not say.
func processorTime(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before) != nil {
		f()
		return 0
	}
	f()
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after) != nil {
		return 0
	}
	return time.Duration(after.Nano() - before.Nano())
}

// all samples every host now, and calls then, if that went well, before any is sampled again.
func (s *sampler) all(then func()) error {
	var errs []error
	for _, h := range s.hosts {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.diag != nil {
			errs = append(errs, h.sample(s))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	then()
	return nil
}

// stop ends the goroutine, after which all hosts are sampled once more.
func (s *sampler) stop() error {
	close(s.quit)
	<-s.done
	return s.all(func() {})
}

// close closes the sockets. The goroutine must have been stopped.
func (s *sampler) close() {
	for _, h := range s.hosts {
		h.mu.Lock()
		if h.diag != nil {
			_ = h.diag.close() // nothing is lost with it
			h.diag = nil
		}
		h.mu.Unlock()
	}
}
