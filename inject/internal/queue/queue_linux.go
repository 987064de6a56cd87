package queue

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/inject"
	"halfopen/scenarios/language"
)

const (
	// most is how many packets may wait on a host. A lab never has so many, so no packet passes
	// unseen.
	most = 1 << 20
	// socketBuffer is how many bytes of the kernel's messages may wait to be read: some 20 ms at 12
	// Gbit/s.
	socketBuffer = 32 << 20
	// threads is the number of threads of a queue: one reads, one releases.
	threads = 2
	// Shortest is the shortest lateness that is reported.
	Shortest = time.Millisecond
)

// hooks are the names of enum nf_inet_hooks.
var hooks = map[uint8]string{1: "INPUT", 2: "FORWARD", 3: "OUTPUT"}

// Namespace is the network namespace of a host's queue.
type Namespace interface {
	// Do runs a function on a thread in the network namespace.
	Do(func() error) error
}

// Config configures a [Queue]. All fields but Whole, Offloads, Seen and Late are required.
type Config struct {
	Host      string
	Namespace Namespace
	Engine    *Engine
	// Whole makes the engine see whole packets, not only their headers.
	Whole bool
	// Offloads leaves queued packets as offloads leave them: several in one, checksums not filled
	// in. Without it, the kernel first turns them into packets of the wire.
	Offloads bool
	// Now is the clock of the engine.
	Now func() time.Duration
	// Struck is called with each strike, possibly on several goroutines: before the packet goes on, or
	// soon after a strike that was open has counted.
	Struck func(host string, s Strike)
	// Seen is called with each event of the engine's watches. Its packet, and those after it, go on when
	// Seen has returned. It may be nil without watches.
	Seen func(host string, s Sighting)
	// Late, if not nil, is called when a packet went on later than it should have, by [Shortest] or
	// more. fault is the last that delayed it, "" if none did. Late must return at once.
	Late func(host, fault string, due, done time.Duration)
	// Failed is called with later errors: packets that passed unseen, or could not be sent.
	Failed func(error)
}

// Queue is the queue of one host. It works from [Open] to [Queue.Close].
type Queue struct {
	Config
	nf     *netfilter // its verdicts are guarded by mu
	sender *sender
	alarm  *alarm

	mu       sync.Mutex
	schedule *schedule // mu
	closed   bool      // mu
	// widen asks the reader for room for whole packets.
	widen bool // mu
	// settling are the calls of Settle that wait, by the number of their request.
	settling map[uint32]chan struct{} // mu
	// late are strikes that counted only after their packets were judged, to be reported.
	late []report // mu
	// reports is signaled when late grows or the queue is closed.
	reports sync.Cond

	// last is when the latest packet came; only the reading goroutine uses it.
	last time.Duration

	working sync.WaitGroup
}

// Open binds the host's queue. From then on it judges the packets that the host's rules send to it.
// On a kernel without nfnetlink_queue the error is a *inject.MissingError.
//
// Open raises GOMAXPROCS by two, and Close lowers it again. A queue has two goroutines, a reader
// and a releaser, each locked to a thread, in addition to the goroutines of the program. The
// runtime must have a processor for them whenever the kernel has one; otherwise packets would wait.
func Open(c Config) (_ *Queue, err error) {
	q := &Queue{Config: c, schedule: newSchedule(), settling: map[uint32]chan struct{}{}}
	q.reports.L = &q.mu
	if q.alarm, err = newAlarm(); err != nil {
		return nil, err
	}
	snap := headers
	if c.Whole {
		snap = wholePackets
	}
	err = c.Namespace.Do(func() error {
		if q.sender, err = newSender(); err != nil {
			return err
		}
		q.nf, err = openNetfilter(snap, c.Offloads)
		return err
	})
	if err != nil {
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPROTONOSUPPORT) {
			err = &inject.MissingError{
				Feature: "nfnetlink_queue",
				Remedy:  "load it (modprobe nfnetlink_queue) or use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE",
				Err:     err,
			}
		}
		return nil, errors.Join(fmt.Errorf("opening the queue on %s: %w", c.Host, err), q.closeFiles())
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + threads)
	q.working.Go(q.read)
	q.working.Go(q.release)
	q.working.Go(q.report)
	return q, nil
}

// read judges packets as they come, until the queue is closed. It runs on a separate thread, which
// the kernel wakes without the runtime's poller in between.
func (q *Queue) read() {
	runtime.LockOSThread() // for good: nothing else may run with the thread's priority
	// The priority is slightly above that of the lab's programs and observers, which the thread
	// would otherwise wait for. It is not higher, so that several packets gather while the thread
	// waits. If this is not allowed, the thread has their priority.
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -6)
	for {
		answers, err := q.nf.read(q.arrived, q.trouble)
		q.mu.Lock()
		q.check(q.nf.flush())
		if err := q.makeRoom(); err != nil {
			q.check(err)
			answers = nil // whoever waits for the room gives up
		}
		for _, number := range answers {
			if done := q.settling[number]; done != nil {
				close(done)
				delete(q.settling, number)
			}
		}
		closed := q.closed
		q.mu.Unlock()
		if err != nil {
			q.trouble(err)
		}
		if closed || err != nil && !errors.Is(err, unix.ENOBUFS) {
			return
		}
	}
}

// arrived judges one packet. Packets that pass at once leave when the whole batch is judged.
func (q *Queue) arrived(a *arrival) {
	came := q.cameAt(a)
	d := q.Engine.Decide(Hook{q.Host, hooks[a.hook]}, a.data, came)
	d.judged(q.Now())
	if len(d.Strikes)+len(d.Seen) > 0 {
		// Packets judged earlier must leave before anyone learns of this one and reacts to it.
		q.mu.Lock()
		q.check(q.nf.flush())
		q.mu.Unlock()
	}
	for _, s := range d.Seen {
		s.At = q.Now()
		q.Seen(q.Host, s)
	}
	for _, s := range d.Strikes {
		q.Struck(q.Host, s)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	// Due packets go first, even if the releasing thread has not got to them yet.
	q.passDue()
	w := waiting{
		id: a.id, data: d.Data, at: max(d.At, came), order: q.schedule.arrival(),
		until: d.Until, behind: d.Behind, patience: d.Patience, direction: d.Direction, extras: d.Extras,
		open: d.IfOvertaken, fault: d.delayedBy(),
	}
	w.until = slices.DeleteFunc(w.until, q.Engine.HasHappened)
	switch {
	case d.Drop:
		q.check(q.nf.decide(w.id, verdictDrop, nil))
		q.after(&w)
	case d.At == 0 && d.Behind == 0 && len(w.until) == 0:
		q.pass(&w)
	default:
		q.wait(&w)
	}
}

// cameAt returns when the kernel received a packet, on the engine's clock, so that a delay does not
// begin only when the packet is read. If the kernel does not say, it returns the current time.
// Times never go back.
func (q *Queue) cameAt(a *arrival) time.Duration {
	const longest = time.Second // if it is longer, the wall clock was set in between
	wall := time.Now().UnixNano()
	// read last: time between the two readings makes the delay longer, never shorter
	now := q.Now()
	if a.at > 0 {
		if ago := time.Duration(wall) - a.at; ago > 0 && ago < longest {
			now -= ago
		}
	}
	q.last = max(q.last, now)
	return q.last
}

// wait schedules a packet that must wait. It is called with mu held.
func (q *Queue) wait(w *waiting) {
	before, some := q.schedule.next()
	kept := *w // not w itself: most packets never wait, and need no heap memory
	q.schedule.add(&kept)
	if at, ok := q.schedule.next(); ok && (!some || at < before) {
		q.alarm.wake()
	}
}

// pass lets a packet go on, and then the packets that waited for it. It is called with mu held.
func (q *Queue) pass(w *waiting) {
	if w.send {
		q.check(q.nf.flush()) // earlier packets go first
		err := q.sender.send(w.data)
		q.timed(w)
		if q.check(err); err == nil {
			q.count(w.open)
		}
		return
	}
	q.check(q.nf.decide(w.id, verdictAccept, w.data))
	q.timed(w)
	q.after(w)
	if w.overtaken {
		q.count(w.open)
	}
	for _, free := range q.schedule.passed(w.direction, w.order, q.Now()) {
		q.pass(free)
	}
}

// timed reports a packet that goes on now, if that is late. One that waited for others to overtake it
// had no time at which it was due.
func (q *Queue) timed(w *waiting) {
	if q.Late == nil || w.overtaken {
		return
	}
	if now := q.Now(); now-w.at >= Shortest {
		q.Late(q.Host, w.fault, w.at, now)
	}
}

// report is something for the reporting goroutine to do: to report a strike or, if done is not nil,
// to close done after all earlier reports.
type report struct {
	Strike
	done chan struct{}
}

// count counts strikes that were open until now, and has them reported. It is called with mu held,
// so it must not wait for those who learn of them.
func (q *Queue) count(strikes []Strike) {
	for i := range strikes {
		q.Engine.Count(&strikes[i])
		q.late = append(q.late, report{Strike: strikes[i]})
	}
	if len(strikes) > 0 {
		q.reports.Signal()
	}
}

// report reports the strikes that counted late, until the queue is closed.
func (q *Queue) report() {
	for {
		q.mu.Lock()
		for len(q.late) == 0 && !q.closed {
			q.reports.Wait()
		}
		late, closed := q.late, q.closed
		q.late = nil
		q.mu.Unlock()
		if closed {
			return
		}
		for _, r := range late {
			if r.done != nil {
				close(r.done)
			} else {
				q.Struck(q.Host, r.Strike)
			}
		}
	}
}

// after sends a packet's extras, or schedules them. It is called with mu held.
func (q *Queue) after(w *waiting) {
	if len(w.extras) == 0 {
		return
	}
	q.check(q.nf.flush()) // they are timed from when the packet has passed
	for _, x := range w.extras {
		extra := &waiting{data: x.Data, send: true, at: q.Now() + x.After, order: q.schedule.arrival()}
		if x.IfSent != nil {
			extra.open, extra.fault = []Strike{*x.IfSent}, x.IfSent.Fault
		}
		if x.Until != "" && !q.Engine.HasHappened(x.Until) {
			extra.until = []language.EventRef{x.Until}
		}
		if x.After == 0 && len(extra.until) == 0 {
			q.pass(extra)
		} else {
			q.wait(extra)
		}
	}
}

// Happened reports an event, in canonical form, to the queues of an engine. Packets that waited for
// it leave before any later packet.
func Happened(queues []*Queue, event language.EventRef) {
	for _, q := range queues {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.Engine.Happened(event) // all queues have the same engine
	}
	for _, q := range queues {
		q.schedule.happened(event, q.Now())
		q.passDue()
		q.check(q.nf.flush())
		q.alarm.wake()
	}
}

// passDue releases all due packets. It is called with mu held.
func (q *Queue) passDue() {
	now := q.Now()
	for w := q.schedule.pop(now); w != nil; w = q.schedule.pop(now) {
		q.pass(w)
	}
}

// release releases packets when they are due, in order. It is the only goroutine that waits for a
// time.
func (q *Queue) release() {
	runtime.LockOSThread() // for good, as in read
	if err := q.alarm.exact(); err != nil {
		q.Failed(err)
	}
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return
		}
		q.passDue()
		q.check(q.nf.flush())
		at, some := q.schedule.next()
		q.mu.Unlock()
		q.alarm.wait(at-q.Now(), !some)
	}
}

// Settle returns when every packet that was in the queue at its call has been judged, all strikes up
// to then have been reported, and the packets that pass at once have left. It waits for calls of
// Struck, at most until patience ends; ok says whether it was long enough.
func (q *Queue) Settle(patience <-chan time.Time) (ok bool, err error) {
	done, reported := make(chan struct{}), make(chan struct{})
	q.mu.Lock()
	number, err := q.nf.configure()
	if err == nil {
		q.settling[number] = done
	}
	q.mu.Unlock()
	if err != nil {
		return false, fmt.Errorf("settling the queue on %s: %w", q.Host, err)
	}
	select {
	case <-done:
	case <-patience:
		return false, nil
	}
	q.mu.Lock()
	q.late = append(q.late, report{done: reported})
	q.reports.Signal()
	q.mu.Unlock()
	select {
	case <-reported:
		return true, nil
	case <-patience:
		return false, nil
	}
}

// check reports a packet that could not go on. It is called with mu held.
func (q *Queue) check(err error) {
	if err != nil && !q.closed {
		q.Failed(fmt.Errorf("the queue on %s: %w", q.Host, err))
	}
}

// trouble reports an error of reading.
func (q *Queue) trouble(err error) {
	q.mu.Lock()
	closed := q.closed
	q.mu.Unlock()
	switch {
	case closed:
	case errors.Is(err, unix.ENOBUFS):
		q.Failed(fmt.Errorf("the queue on %s overflowed: some packets passed unseen", q.Host))
	case errors.Is(err, unix.ENOENT): // a verdict on a packet whose link went down while it waited
	default:
		q.Failed(fmt.Errorf("the queue on %s: %w", q.Host, err))
	}
}

// Close unbinds the queue. Waiting packets are lost; later packets pass, because of --queue-bypass.
// Close waits for running calls of Struck.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.reports.Signal()
	err := q.nf.stop()
	q.mu.Unlock()
	q.alarm.wake()
	if err != nil {
		return fmt.Errorf("closing the queue on %s: %w", q.Host, err) // its thread is still waiting
	}
	q.working.Wait()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) - threads)
	return q.closeFiles()
}

func (q *Queue) closeFiles() error {
	var errs []error
	if q.nf != nil {
		errs = append(errs, q.nf.close())
	}
	if q.sender != nil {
		errs = append(errs, q.sender.close())
	}
	return errors.Join(append(errs, q.alarm.close())...)
}
