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

// sampler samples the TCP sockets of hosts: in one goroutine by the schedule of each host, and for
// callers of all.
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
	// packet is true if a packet was seen that the schedule does not know yet.
	packet atomic.Bool

	// changes is nil if the host's sockets are not sampled. Its contents are guarded by mu.
	changes *changes

	mu       sync.Mutex
	diag     *diag    // mu; nil if the sockets are not sampled, or no longer
	schedule schedule // mu
	sockets  []socket // mu
}

// stale is how long a dump may wait for a processor before it is repeated.
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

// wake reports that the host with that index has just had packets.
func (s *sampler) wake(host int) {
	if h := s.hosts[host]; h.changes == nil || h.packet.Swap(true) {
		return
	}
	select {
	case s.woken <- struct{}{}:
	default: // a wake-up is already pending
	}
}

// wakeAll reports that something happened on some host without a packet, such as a system call.
func (s *sampler) wakeAll() {
	for i := range s.hosts {
		s.wake(i)
	}
}

// relax makes the schedules of all hosts rely on exact transitions.
func (s *sampler) relax() {
	for _, h := range s.hosts {
		h.mu.Lock()
		h.schedule.exact = true
		h.mu.Unlock()
	}
}

// lookOften makes samples of these hosts, and of no others, come as often as they may.
func (s *sampler) lookOften(hosts map[string]bool) {
	for i, h := range s.hosts {
		h.mu.Lock()
		changed := h.schedule.often != hosts[h.name]
		h.schedule.often = hosts[h.name]
		h.mu.Unlock()
		if changed {
			s.wake(i)
		}
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
		// Hosts that are due soon are sampled together: a wake-up costs more than a sample.
		soon := now + closest/2
		due := now + time.Hour
		for _, h := range s.hosts {
			due = min(due, h.sampleIfDue(s, now, soon))
		}
		timer.Reset(max(due-s.clock.Now(), 0))
	}
}

// sampleIfDue samples the host if a sample is due by soon, and returns when the next one is due. An
// error ends the sampling of the host, because it would come again each time.
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
		soon = now + near // being early by that much is harmless and saves wake-ups
	}
	if next > soon {
		return next
	}
	if h.schedule.sampled > 0 && next < now-trace.Shortest {
		s.emit(trace.Event{T: now, Late: &trace.Late{Part: trace.LateLook, Name: h.name, Due: next}})
	}
	if err := h.sample(s); err != nil {
		s.emit(trace.Event{
			T: s.clock.Now(),
			Note: &trace.Note{
				Text: err.Error() + "; its sockets are not observed from here on", Untrue: true,
			},
		})
		_ = h.diag.close() // the error that matters is already reported
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
	// A dump fails only if the kernel had no memory for the answer. A dump that had to wait for a
	// processor describes a later moment than the one at which it began. Both are tried again.
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
	h.changes.dump(began, s.clock.Now()-began, h.sockets, s.emit)
	return nil
}

// processorTime calls f and returns the processor time that f took, including the kernel's work for
// it. Time that f waits does not count. The result is 0 if the kernel does not report it.
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

// all samples every host now. If that succeeds, it calls then before any host is sampled again.
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

// stop ends the goroutine and then samples all hosts once more.
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
