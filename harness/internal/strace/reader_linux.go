package strace

import (
	"bytes"
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/tracepoint"
)

// Bounds, as bpf/calls.c has them: the first calls of a program are reported, and then some that failed,
// found the end of the data, or were slow.
const (
	mostCalls   = 10_000
	mostNotable = 2000
	slow        = 10 * time.Millisecond
	// waited is how long a call that waits for files must last.
	waited = time.Millisecond
)

// mostLine is the longest line that is read, in bytes. Those of the calls shown have some 2000 at most.
const mostLine = 64 << 10

// Reader reads what strace prints of one program. It is not safe for concurrent use.
type Reader struct {
	// Executed is set when strace has executed the program, or could not, with Err.
	Executed bool
	Err      syscall.Errno
	// Ended is set when the program's first thread has ended.
	Ended bool
	// Lost counts calls that may have been on sockets, but could not be read, or not in full.
	Lost uint64
	// Rings counts the rings of io_uring(7) that were made. What the kernel does for them is not seen as calls.
	Rings uint64

	root int
	// begun are the calls in progress, by thread; processes are the processes of threads.
	begun     map[int]line
	processes map[int]int
	sockets   sockets
	// early are the calls of threads whose process is not known yet.
	early map[int][]tracepoint.Call

	calls, notable int
	left           map[leftKey]uint64

	partial []byte
	skips   bool
}

type leftKey struct {
	name string
	err  syscall.Errno
}

// NewReader returns a reader for a program, by the number of its process.
func NewReader(root int) *Reader {
	return &Reader{
		root: root, begun: map[int]line{}, processes: map[int]int{root: root},
		sockets: sockets{of: map[file]socket{}, parents: map[int]int{}}, early: map[int][]tracepoint.Call{},
		left: map[leftKey]uint64{},
	}
}

// Root returns the process of the program.
func (r *Reader) Root() int { return r.root }

// Read reads a part of the output and returns the calls that have ended. offset is how much CLOCK_REALTIME,
// which strace prints, is ahead of CLOCK_MONOTONIC.
func (r *Reader) Read(b []byte, offset time.Duration) []tracepoint.Call {
	var calls []tracepoint.Call
	for len(b) > 0 {
		text, rest, complete := bytes.Cut(b, []byte("\n"))
		if r.skips = r.skips || len(r.partial)+len(text) > mostLine; !r.skips {
			r.partial = append(r.partial, text...)
		}
		b = rest
		if !complete {
			break
		}
		if r.skips {
			r.Lost++
		} else {
			calls = append(calls, r.line(string(r.partial), offset)...)
		}
		r.partial, r.skips = r.partial[:0], false
	}
	return calls
}

// Rest returns the calls in progress and what else has not been returned yet, at the end of the run.
func (r *Reader) Rest(offset time.Duration) ([]tracepoint.Call, []tracepoint.CallsLeft) {
	if l, ok := parseLine(string(r.partial)); ok && !strings.HasPrefix(l.text, "<...") {
		r.begun[l.tid] = l
	}
	var calls []tracepoint.Call
	for _, tid := range slices.Sorted(maps.Keys(r.early)) {
		calls = append(calls, r.early[tid]...)
	}
	for _, tid := range slices.Sorted(maps.Keys(r.begun)) {
		l := r.begun[tid]
		c, ok := parseCall(strings.TrimSuffix(l.text, " <unfinished ...>"))
		if !ok || c.returned {
			continue
		}
		if e, ok := r.call(l, &c, offset); ok {
			e.Unfinished, e.At = true, 0
			calls = append(calls, e)
		}
	}
	var left []tracepoint.CallsLeft
	for k, n := range r.left {
		left = append(left, tracepoint.CallsLeft{Root: r.root, Name: k.name, Err: k.err, N: n})
	}
	slices.SortFunc(left, func(a, b tracepoint.CallsLeft) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Err, b.Err))
	})
	return calls, left
}

// line reads one line.
func (r *Reader) line(text string, offset time.Duration) []tracepoint.Call {
	l, ok := parseLine(text)
	if !ok {
		r.Lost++
		return nil
	}
	switch {
	case strings.HasPrefix(l.text, "+++ "):
		r.ended(l.tid)
		return nil
	case strings.HasPrefix(l.text, "--- "):
		return nil
	case strings.HasPrefix(l.text, "<... "):
		first, was := r.begun[l.tid]
		_, after, ok := strings.Cut(l.text, " resumed>")
		if !ok || !was {
			r.Lost++
			return nil
		}
		delete(r.begun, l.tid)
		l.at, l.text = first.at, strings.TrimSuffix(first.text, " <unfinished ...>")+after
	case strings.HasSuffix(l.text, "<unfinished ...>"):
		r.begun[l.tid] = l
		return nil
	}
	c, ok := parseCall(l.text)
	if !ok {
		r.Lost++
		return nil
	}
	switch c.name {
	case "execve":
		if !r.Executed && l.tid == r.root {
			r.Executed, r.Err = true, c.err
		}
		return nil
	case "clone", "clone3", "fork", "vfork":
		return r.started(l.tid, &c)
	case "dup", "dup2", "dup3":
		r.copied(l.tid, &c)
		return nil
	case "io_uring_setup":
		if c.returned && c.err == 0 {
			r.Rings++
		}
		return nil
	}
	e, ok := r.call(l, &c, offset)
	if !ok || !c.returned || !r.keep(&e) {
		return nil
	}
	if _, known := r.processes[l.tid]; !known {
		r.early[l.tid] = append(r.early[l.tid], e)
		return nil
	}
	return []tracepoint.Call{e}
}

// process returns the process of a thread, its own number if that is not known.
func (r *Reader) process(tid int) int {
	if pid, ok := r.processes[tid]; ok {
		return pid
	}
	return tid
}

// started learns of a thread or process, and returns the calls that it has made already.
func (r *Reader) started(by int, c *spoken) []tracepoint.Call {
	if !c.returned || c.result <= 0 {
		return nil
	}
	child, parent := int(c.result), r.process(by)
	flags := ""
	for _, a := range c.args {
		if value, ok := strings.CutPrefix(a, "flags="); ok {
			flags = value
		} else if c.name == "clone3" && flags == "" {
			flags = field(a, "flags")
		}
	}
	bits, _ := number(flags)
	if bits&unix.CLONE_THREAD != 0 {
		r.processes[child] = parent
	} else {
		r.processes[child], r.sockets.parents[child] = child, parent
	}
	calls := r.early[child]
	delete(r.early, child)
	for i := range calls {
		calls[i].PID = r.processes[child]
	}
	return calls
}

// copied learns of a copy of a descriptor.
func (r *Reader) copied(tid int, c *spoken) {
	from, ok1 := parseDescriptor(c.arg(0))
	to, ok2 := parseDescriptor(c.resultText)
	if ok1 && ok2 && c.returned && c.err == 0 && to.fd != from.fd {
		pid := r.process(tid)
		r.sockets.set(pid, to.fd, r.sockets.see(pid, from))
	}
}

// ended forgets a thread: a call that it was in never returns.
func (r *Reader) ended(tid int) {
	delete(r.begun, tid)
	r.Ended = r.Ended || tid == r.root
	if pid := r.process(tid); pid == tid && tid != r.root {
		r.sockets.forget(pid)
	}
	if _, waits := r.early[tid]; !waits && tid != r.root {
		delete(r.processes, tid)
	}
}

// keep reports whether a call is reported, and counts those that are not.
func (r *Reader) keep(e *tracepoint.Call) bool {
	failed := e.Err != 0 && e.Err != unix.EAGAIN && e.Err != unix.EINPROGRESS
	end := e.Result == 0 && (e.Name == "recvfrom" || e.Name == "recvmsg")
	switch {
	case r.calls < mostCalls:
		r.calls++
	case (failed || end || e.At-e.Began >= slow) && r.notable < mostNotable:
		r.notable++
	default:
		r.left[leftKey{e.Name, e.Err}]++
		return false
	}
	return true
}

// call returns a call as an event; ok is false if it is none on a socket of IP, and no long wait.
func (r *Reader) call(l line, c *spoken, offset time.Duration) (e tracepoint.Call, ok bool) {
	pid := r.process(l.tid)
	e = tracepoint.Call{
		Head: tracepoint.Head{At: l.at + c.took - offset}, Began: l.at - offset,
		Root: r.root, PID: pid, TID: l.tid, Name: c.name, Result: c.result, Err: c.err, FD: -1, Size: -1,
		Timeout: -1,
	}
	switch c.name {
	case "socket":
		return e, r.socket(pid, c, &e)
	case "poll", "ppoll":
		e.Size, e.Polled = c.number(1), polled(c)
		e.Timeout = milliseconds(c, 2)
		if c.name == "ppoll" {
			e.Timeout = span(c.arg(2))
		}
		return e, !c.returned || c.took >= waited
	case "select", "pselect6":
		e.Size, e.Timeout = c.number(0), span(c.arg(4))
		return e, !c.returned || c.took >= waited
	case "epoll_wait", "epoll_pwait", "epoll_pwait2":
		d, known := parseDescriptor(c.arg(0))
		e.FD, e.Timeout = d.fd, milliseconds(c, 3)
		if c.name == "epoll_pwait2" {
			e.Timeout = span(c.arg(3))
		}
		return e, known && (!c.returned || c.took >= waited)
	}
	e.Timeout = 0
	d, ok := parseDescriptor(c.arg(0))
	if c.err == unix.EBADF {
		return e, false
	}
	s := r.sockets.see(pid, d)
	if !s.isIP() {
		// Files are read and written as well: strace knows their sockets by the calls that made them.
		if !ok || !d.known && !s.known && c.err != unix.ENOTSOCK && !callsOfFiles[c.name] {
			r.Lost++
		}
		return e, false
	}
	e.FD, e.Type, e.Protocol = d.fd, s.kind.kind, s.protocol
	ok = r.onSocket(pid, c, &e, &s)
	e.Socket = tracepoint.Socket{Local: s.local, Remote: s.remote}
	return e, ok
}

// callsOfFiles are the calls that are made on all kinds of files.
var callsOfFiles = map[string]bool{
	"read": true, "write": true, "readv": true, "writev": true, "sendfile": true, "close": true,
}

// socket reads a call of socket.
func (r *Reader) socket(pid int, c *spoken, e *tracepoint.Call) bool {
	if family := c.number(0); family != unix.AF_INET && family != unix.AF_INET6 {
		if d, ok := parseDescriptor(c.resultText); ok && !d.known && c.returned && c.err == 0 {
			r.sockets.set(pid, d.fd, socket{known: true})
		}
		return false
	}
	const flags = unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
	e.Type, e.Protocol = int(c.number(1))&^flags, int(c.number(2))
	if d, ok := parseDescriptor(c.resultText); ok && c.returned && c.err == 0 {
		made := socket{known: true, kind: d.kind}
		if !made.isIP() { // strace could not see it
			made.kind = kind{e.Type, e.Protocol}
		}
		e.Type, e.Protocol = made.kind.kind, made.protocol
		r.sockets.set(pid, d.fd, made)
	}
	return true
}

// onSocket reads the arguments of a call on a socket, and learns of the socket; it returns false if the call
// is not reported.
func (r *Reader) onSocket(pid int, c *spoken, e *tracepoint.Call, s *socket) bool {
	switch c.name {
	case "connect", "bind":
		e.Address = r.sockaddr(c, c.arg(1))
		switch {
		case c.name == "connect" && (c.err == 0 || c.err == unix.EINPROGRESS):
			s.remote = e.Address
		case c.name == "bind" && c.err == 0 && e.Address.Port() != 0:
			s.local = e.Address
		}
		r.sockets.set(pid, e.FD, *s)
	case "accept", "accept4":
		e.Address = r.sockaddr(c, c.arg(1))
		if d, ok := parseDescriptor(c.resultText); ok && c.returned && c.err == 0 {
			*s = socket{true, s.kind, d.local, d.remote}
			r.sockets.set(pid, d.fd, *s)
		}
	case "sendto", "recvfrom":
		e.Address = r.sockaddr(c, c.arg(4))
		e.Size, e.Flags = size(c, 2), int(c.number(3))
	case "sendmsg", "recvmsg":
		e.Address, e.Flags = r.sockaddr(c, field(c.arg(1), "msg_name")), int(c.number(2))
	case "setsockopt", "getsockopt":
		e.Level, e.Option, e.Value = int(c.number(1)), int(c.number(2)), value(c.arg(3))
		return c.name == "setsockopt" || e.Level == unix.SOL_SOCKET && e.Option == unix.SO_ERROR
	case "read", "write":
		e.Size = size(c, 2)
	case "sendfile":
		e.Size = size(c, 3)
	case "listen", "shutdown":
		e.Flags = int(c.number(1))
	case "sendmmsg", "recvmmsg":
		e.Flags = int(c.number(3))
	case "close":
		r.sockets.set(pid, e.FD, socket{}) // not deleted: it may be inherited
	}
	return true
}

// sockaddr returns an address. If strace could not read it, whose call it was is not known: that counts as
// lost.
func (r *Reader) sockaddr(c *spoken, text string) netip.AddrPort {
	in := c.name == "connect" || c.name == "bind" || c.name == "sendto" || c.name == "sendmsg"
	if strings.HasPrefix(text, "0x") && (in || c.err == 0) {
		r.Lost++
	}
	return sockaddr(text)
}
