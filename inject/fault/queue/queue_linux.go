package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/florianl/go-nfqueue/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"halfopen/internal/kernel"
)

// Number is the queue's number on each host that has one: queues are numbered per network namespace.
const Number = 1

const (
	// most is how many packets may wait on a host; more than a lab ever has, so that none passes unseen.
	most = 1 << 20
	// socketBuffer holds what the kernel tells of packets until they are read: at 12 Gbit/s, some 20 ms.
	socketBuffer = 32 << 20
	// headers is how much of each packet is looked at where no rule needs more.
	headers = 256
)

// hooks are the names of enum nf_inet_hooks.
var hooks = map[uint8]string{1: "INPUT", 2: "FORWARD", 3: "OUTPUT"}

// Namespace is where a host's queue is.
type Namespace interface {
	// Do runs a function on a thread in the network namespace.
	Do(func() error) error
}

// Config is what a [Queue] needs.
type Config struct {
	Host      string
	Namespace Namespace
	Engine    *Engine
	// Whole has whole packets looked at, not just their headers.
	Whole bool
	// Offloads has packets queued as offloading leaves them: several in one, checksums not there yet. Without it the kernel
	// makes them those of the wire first.
	Offloads bool
	// Now is the clock of the engine.
	Now func() time.Duration
	// Struck is called with each strike before its packet goes on. It may be called on several goroutines.
	Struck func(host string, s Strike)
	// Failed is called with what went wrong later: packets that passed unseen, or could not be sent.
	Failed func(error)
}

// Queue is the queue of one host. It works from [Open] to [Queue.Close].
type Queue struct {
	Config
	nf     *nfqueue.Nfqueue
	sender *sender
	alarm  *alarm
	cancel context.CancelFunc

	mu       sync.Mutex
	schedule *schedule // mu
	closed   bool      // mu

	released chan struct{}
}

// Open binds the host's queue. Packets that the host's rules send to it are judged from then on. A kernel without
// nfnetlink_queue is a *kernel.MissingError.
func Open(c Config) (_ *Queue, err error) {
	q := &Queue{Config: c, schedule: newSchedule(), released: make(chan struct{})}
	if q.alarm, err = newAlarm(); err != nil {
		return nil, err
	}
	length, flags := uint32(headers), uint32(nfqueue.NfQaCfgFlagFailOpen)
	if c.Whole {
		length = 0xffff
	}
	if c.Offloads {
		flags |= nfqueue.NfQaCfgFlagGSO
	}
	err = c.Namespace.Do(func() error {
		if q.sender, err = newSender(); err != nil {
			return err
		}
		q.nf, err = nfqueue.Open(&nfqueue.Config{
			NfQueue:      Number,
			MaxQueueLen:  most,
			MaxPacketLen: length,
			Copymode:     nfqueue.NfQnlCopyPacket,
			Flags:        flags,
		})
		if err != nil {
			return fmt.Errorf("opening a netfilter socket: %w", err)
		}
		return nil
	})
	if err == nil {
		err = q.start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the queue on %s: %w", c.Host, err), q.closeFiles())
	}
	return q, nil
}

func (q *Queue) start() error {
	if err := enlarge(q.nf.Con); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	q.cancel = cancel
	if err := q.nf.RegisterWithErrorFunc(ctx, q.arrived, q.trouble); err != nil {
		cancel()
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPROTONOSUPPORT) {
			return &kernel.MissingError{
				Feature: "nfnetlink_queue",
				Remedy:  "load it (modprobe nfnetlink_queue) or use a kernel with CONFIG_NETFILTER_NETLINK_QUEUE",
				Err:     err,
			}
		}
		return err
	}
	go q.release()
	return nil
}

// enlarge gives the socket a buffer that does not overflow. Without CAP_NET_ADMIN on the host it gets what
// net.core.rmem_max allows; what then overflows is told.
func enlarge(c *netlink.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var forced error
	if err := raw.Control(func(fd uintptr) {
		forced = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer)
	}); err != nil {
		return err
	}
	if forced == nil {
		return nil
	}
	if err := c.SetReadBuffer(socketBuffer); err != nil {
		return fmt.Errorf("enlarging the queue's socket buffer: %w", err)
	}
	return nil
}

// arrived judges one packet.
func (q *Queue) arrived(a nfqueue.Attribute) int {
	if a.PacketID == nil {
		return 0
	}
	var data []byte
	if a.Payload != nil {
		data = *a.Payload
	}
	hook := ""
	if a.Hook != nil {
		hook = hooks[*a.Hook]
	}
	now := q.Now()
	d := q.Engine.Decide(Place{q.Host, hook}, data, now)
	for _, s := range d.Strikes {
		q.Struck(q.Host, s)
	}
	w := &waiting{
		id: *a.PacketID, data: d.Data, at: max(d.At, now),
		until: d.Until, behind: d.Behind, patience: d.Patience, direction: d.Direction, extras: d.Extras,
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	// What is due goes first, though the thread that releases it has not come to it yet.
	q.passDue()
	w.order = q.schedule.arrival()
	w.until = slices.DeleteFunc(w.until, q.Engine.HasHappened)
	switch {
	case d.Drop:
		q.check(q.nf.SetVerdict(w.id, nfqueue.NfDrop))
		q.after(w)
	case d.At == 0 && d.Behind == 0 && len(w.until) == 0:
		q.pass(w)
	default:
		q.wait(w)
	}
	return 0
}

// wait has a packet wait. It is called with mu held.
func (q *Queue) wait(w *waiting) {
	before, some := q.schedule.next()
	q.schedule.add(w)
	if at, ok := q.schedule.next(); ok && (!some || at < before) {
		q.alarm.wake()
	}
}

// pass lets a packet go on, and what it kept from going on. It is called with mu held.
func (q *Queue) pass(w *waiting) {
	switch {
	case w.send:
		q.check(q.sender.send(w.data))
	case w.data != nil:
		q.check(q.nf.SetVerdictWithOption(w.id, nfqueue.NfAccept, nfqueue.WithAlteredPacket(w.data)))
	default:
		q.check(q.nf.SetVerdict(w.id, nfqueue.NfAccept))
	}
	q.after(w)
	if !w.send {
		for _, free := range q.schedule.passed(w.direction, w.order, q.Now()) {
			q.pass(free)
		}
	}
}

// after sends a packet's extras, or has them wait. It is called with mu held.
func (q *Queue) after(w *waiting) {
	for _, x := range w.extras {
		extra := &waiting{data: x.Data, send: true, at: q.Now() + x.After, order: q.schedule.arrival()}
		if x.Until != "" && !q.Engine.HasHappened(x.Until) {
			extra.until = []string{x.Until}
		}
		if x.After == 0 && len(extra.until) == 0 {
			q.pass(extra)
		} else {
			q.wait(extra)
		}
	}
}

// Happened tells the queues of an engine of an event, and lets go what waited for it before anything that comes later.
func Happened(queues []*Queue, event string) {
	for _, q := range queues {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.Engine.Happened(event) // the same engine each time
	}
	for _, q := range queues {
		q.schedule.happened(canonical(event), q.Now())
		q.passDue()
		q.alarm.wake()
	}
}

// passDue lets go what is due. It is called with mu held.
func (q *Queue) passDue() {
	now := q.Now()
	for w := q.schedule.pop(now); w != nil; w = q.schedule.pop(now) {
		q.pass(w)
	}
}

// release lets packets go when they are due, in order. It is the only goroutine that waits for a time.
func (q *Queue) release() {
	defer close(q.released)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
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
		at, some := q.schedule.next()
		q.mu.Unlock()
		q.alarm.wait(at-q.Now(), !some)
	}
}

// check tells of a packet that could not go on. It is called with mu held.
func (q *Queue) check(err error) {
	if err != nil && !q.closed {
		q.Failed(fmt.Errorf("the queue on %s: %w", q.Host, err))
	}
}

// trouble says whether to go on after an error of the socket.
func (q *Queue) trouble(err error) int {
	q.mu.Lock()
	closed := q.closed
	q.mu.Unlock()
	if closed {
		return 1
	}
	switch {
	case errors.Is(err, syscall.ENOBUFS):
		q.Failed(fmt.Errorf("the queue on %s overflowed: packets passed it unseen", q.Host))
		return 0
	case errors.Is(err, syscall.ENOENT):
		return 0 // a verdict on a packet that is gone: its link went down while it waited
	}
	q.Failed(fmt.Errorf("the queue on %s: %w", q.Host, err))
	return 1
}

// Close unbinds the queue. Packets that wait are lost; those that come later pass, by --queue-bypass.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cancel()
	q.alarm.wake()
	<-q.released
	return q.closeFiles()
}

func (q *Queue) closeFiles() error {
	var errs []error
	if q.nf != nil {
		errs = append(errs, q.nf.Close())
	}
	if q.sender != nil {
		errs = append(errs, q.sender.close())
	}
	return errors.Join(append(errs, q.alarm.close())...)
}
