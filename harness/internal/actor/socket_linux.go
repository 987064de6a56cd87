package actor

import (
	"cmp"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// Base names of the sockets whose step gives no name.
const (
	baseSocket   = "sock"
	baseListener = "listener"
	baseAccepted = "conn"
)

// open makes a socket for a step and reports whether it succeeded.
func (t *thread) open(s *socket, nonblock bool, name, base string, o *outcome) bool {
	kind := unix.SOCK_STREAM
	if s.udp {
		kind = unix.SOCK_DGRAM
	}
	if nonblock {
		kind |= unix.SOCK_NONBLOCK
	}
	ok := o.also(func() (int, error) {
		fd, err := unix.Socket(s.domain, kind|unix.SOCK_CLOEXEC, 0)
		s.fd = fd
		return fd, err
	})
	if ok {
		s.thread, s.step = t, o.ID
		t.sockets.add(s, name, base)
	}
	return ok
}

func (t *thread) socket(step *language.Step, op *language.SocketOp, o *outcome) {
	name := op.As
	if name == "" {
		name = step.Socket
	}
	s := &socket{udp: op.Type == "udp", domain: t.domain(netip.Addr{})}
	o.begin()
	if t.open(s, op.Nonblock, name, baseSocket, o) {
		t.on(s, o)
	}
}

func (t *thread) bind(step *language.Step, op *language.Bind, o *outcome) {
	s := t.candidate(step.Socket, step.ID, fresh)
	if s == nil {
		s = &socket{domain: t.domain(netip.Addr{})}
		if !t.open(s, false, step.Socket, baseSocket, o) {
			return
		}
	}
	t.bindTo(s, op.Address, op.Port, o, o.call)
	t.on(s, o)
}

// bindTo binds a socket to the address that ref names, by a system call that by makes.
func (t *thread) bindTo(
	s *socket, ref string, port int, o *outcome, by func(func() (int, error)) bool,
) bool {
	addr, err := t.Topology.Address(ref)
	if err != nil {
		o.problem(err)
		return false
	}
	ok := by(func() (int, error) {
		return 0, unix.Bind(s.fd, sockaddr(netip.AddrPortFrom(addr, uint16(port)), s.domain))
	})
	if ok {
		t.sockets.mark(func() { s.bound = true })
	}
	return ok
}

// defaultBacklog is the length of the accept queue if the step does not set one.
const defaultBacklog = 128

func (t *thread) listen(step *language.Step, op *language.Listen, o *outcome) {
	s := t.candidate(step.Socket, step.ID, ready)
	if s == nil {
		s = &socket{domain: t.domain(netip.Addr{})}
		if !t.open(s, false, step.Socket, baseListener, o) {
			return
		}
		if !o.also(func() (int, error) {
			return 0, unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		}) {
			return
		}
	}
	defer t.on(s, o)
	if !t.sockets.is(s, bound) && (op.Port != 0 || op.Address != "") &&
		!t.bindTo(s, op.Address, op.Port, o, o.also) {
		return
	}
	backlog := defaultBacklog
	if op.Backlog != nil {
		backlog = *op.Backlog
	}
	if o.call(func() (int, error) { return 0, unix.Listen(s.fd, backlog) }) {
		t.sockets.mark(func() { s.bound, s.listening = true, true })
	}
}

func (t *thread) accept(step *language.Step, op *language.Accept, o *outcome) {
	s, err := t.existing(step.Socket, listening)
	if err != nil {
		o.problem(err)
		return
	}
	conn := &socket{
		domain: s.domain, step: step.ID, thread: t, accepted: true, bound: true, used: true,
	}
	if !t.syscall(s, o, func() (int, error) {
		fd, peer, err := unix.Accept4(s.fd, unix.SOCK_CLOEXEC)
		conn.fd, o.Peer = fd, text(peer)
		return fd, err
	}) {
		t.on(s, o)
		return
	}
	t.sockets.add(conn, op.As, baseAccepted)
	t.on(conn, o)
}

func (t *thread) connect(step *language.Step, op *language.Connect, o *outcome) {
	to, err := t.Topology.Resolve(op.To)
	if err != nil {
		o.problem(err)
		return
	}
	s := t.candidate(step.Socket, step.ID, idle)
	if s == nil {
		s = &socket{domain: t.domain(to.Addr())}
		if !t.open(s, op.Nonblock, step.Socket, baseSocket, o) {
			return
		}
	}
	t.sockets.mark(func() { s.used, s.remote = true, to })
	t.syscall(s, o, func() (int, error) { return 0, unix.Connect(s.fd, sockaddr(to, s.domain)) })
	t.on(s, o)
}

func (t *thread) shutdown(step *language.Step, op *language.Shutdown, o *outcome) {
	how, ok := map[string]int{
		"": unix.SHUT_RDWR, "both": unix.SHUT_RDWR, "read": unix.SHUT_RD, "write": unix.SHUT_WR,
	}[op.How]
	if !ok {
		o.problem(fmt.Errorf("invalid direction %q for shutdown: want read, write or both", op.How))
		return
	}
	o.Value = cmp.Or(op.How, "both")
	t.onExisting(step, o, func(s *socket) {
		t.syscall(s, o, func() (int, error) { return 0, unix.Shutdown(s.fd, how) })
	})
}

// close may block for as long as SO_LINGER says. Other threads no longer see the socket during that
// time.
func (t *thread) close(step *language.Step, _ *language.Close, o *outcome) {
	s, err := t.existing(step.Socket, talking, listening)
	if err != nil {
		o.problem(err)
		return
	}
	t.on(s, o)
	if !t.sockets.close(s) {
		o.fail(unix.EBADF)
		return
	}
	o.call(func() (int, error) { return 0, unix.Close(s.fd) })
}

// onExisting does the operation of a step that never makes a socket.
func (t *thread) onExisting(step *language.Step, o *outcome, f func(*socket)) {
	s, err := t.existing(step.Socket, talking, listening)
	if err != nil {
		o.problem(err)
		return
	}
	f(s)
	t.on(s, o)
}

// syscall makes a step's first or only system call on a socket. On a closed socket it fails with
// EBADF and makes no call: the descriptor may belong to another socket by now.
func (t *thread) syscall(s *socket, o *outcome, f func() (int, error)) bool {
	if t.sockets.is(s, closed) {
		o.fail(unix.EBADF)
		return false
	}
	return o.call(f)
}
