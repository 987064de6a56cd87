//go:build amd64 || arm64

package tracepoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// callPrograms are the programs of bpf/calls.c.
var callPrograms = &object{bytes: _CallsBpfBytes, load: loadCallsBpf, set: setClasses, points: []point{
	{"sched", "sched_process_exec", KindCall, 2, "", ""},
	{"sched", "sched_process_fork", KindCall, 2, "", ""},
	{"sched", "sched_process_exit", KindCall, 1, "", ""},
	{"raw_syscalls", "sys_enter", KindCall, 2, "", ""},
	{"raw_syscalls", "sys_exit", KindCall, 2, "", ""},
}}

// OpenCalls returns a view of the system calls of programs: see [Call]. While it is open each system
// call of the machine takes some 0.1 us longer, so it should be closed when no lab needs it. The
// error is that of [Open].
func OpenCalls() (*View, error) {
	v, err := callPrograms.open()
	if err == nil && len(v.missing) > 0 {
		err = errors.Join(explain(errors.New(v.missing[0].String())), v.Close())
	}
	return v, err
}

// callClass is how the programs look at a call, as enum call_class in bpf/record.h.
type callClass uint8

const (
	_ callClass = iota
	callSocket
	callAddress
	callAccept
	callSendto
	callRecvfrom
	callSendmsg
	callRecvmsg
	callPlain
	callSetsockopt
	callGetsockopt
	callRing
	callPoll
	callPpoll
	callSelect
	callPselect
	callEpoll
	callEpoll2
)

// callNumber is a system call by its number.
type callNumber struct {
	name  string
	class callClass
}

// seenCalls returns the calls that are looked at, on this architecture.
func seenCalls() map[uint32]callNumber {
	calls := map[uint32]callNumber{
		unix.SYS_SOCKET: {"socket", callSocket}, unix.SYS_CONNECT: {"connect", callAddress},
		unix.SYS_BIND: {"bind", callAddress}, unix.SYS_LISTEN: {"listen", callPlain},
		unix.SYS_ACCEPT: {"accept", callAccept}, unix.SYS_ACCEPT4: {"accept4", callAccept},
		unix.SYS_SENDTO: {"sendto", callSendto}, unix.SYS_RECVFROM: {"recvfrom", callRecvfrom},
		unix.SYS_SENDMSG: {"sendmsg", callSendmsg}, unix.SYS_RECVMSG: {"recvmsg", callRecvmsg},
		unix.SYS_SENDMMSG: {"sendmmsg", callPlain}, unix.SYS_RECVMMSG: {"recvmmsg", callPlain},
		unix.SYS_READ: {"read", callPlain}, unix.SYS_WRITE: {"write", callPlain},
		unix.SYS_READV: {"readv", callPlain}, unix.SYS_WRITEV: {"writev", callPlain},
		unix.SYS_SENDFILE: {"sendfile", callPlain}, unix.SYS_SHUTDOWN: {"shutdown", callPlain},
		unix.SYS_CLOSE:          {"close", callPlain},
		unix.SYS_SETSOCKOPT:     {"setsockopt", callSetsockopt},
		unix.SYS_GETSOCKOPT:     {"getsockopt", callGetsockopt},
		unix.SYS_IO_URING_SETUP: {"io_uring_setup", callRing},
		unix.SYS_PPOLL:          {"ppoll", callPpoll}, unix.SYS_PSELECT6: {"pselect6", callPselect},
		unix.SYS_EPOLL_PWAIT:  {"epoll_pwait", callEpoll},
		unix.SYS_EPOLL_PWAIT2: {"epoll_pwait2", callEpoll2},
	}
	maps.Copy(calls, olderCalls)
	return calls
}

// setClasses sets the table of the calls that the programs look at.
func setClasses(constants map[string]*ebpf.VariableSpec, _ *btf.Spec) error {
	classes := constants["classes"]
	table := make([]byte, classes.Size())
	for number, call := range seenCalls() {
		table[number] = byte(call.class)
	}
	return classes.Set(table)
}

// callName returns the name of a call by its number.
func callName(number uint32) string {
	if call, ok := seenCalls()[number]; ok {
		return call.name
	}
	return fmt.Sprint("call ", number)
}

// The results by which the kernel says that a signal interrupted a call (include/linux/errno.h).
const (
	restartFirst = 512
	restartLast  = 516
)

// call decodes a record of a call.
func call(head Head, r *callsBpfCall) Event {
	class := callClass(r.Class)
	e := Call{
		Head: head, Root: int(r.Root), PID: int(r.Pid), TID: int(r.Tid), Name: callName(r.Number),
		Began: time.Duration(r.Began), Unfinished: head.At == 0, FD: int(int32(r.Arguments[0])),
		Type: int(r.Type), Protocol: int(r.Protocol), Size: -1,
	}
	if !e.Unfinished {
		e.Result, e.Err = result(r.Result)
	}
	arguments := &r.Arguments
	data := r.Data[:min(int(r.Length), len(r.Data))]
	switch class {
	case callSocket:
		e.FD = -1
		if e.Type == 0 { // there is no socket
			const flags = unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
			e.Type, e.Protocol = int(arguments[1])&^flags, int(arguments[2])
		}
	case callAddress, callAccept:
		e.Address = sockaddr(data)
	case callSendto, callRecvfrom:
		e.Address = sockaddr(data)
		e.Size, e.Flags = int64(arguments[2]), int(arguments[3])
	case callSendmsg, callRecvmsg:
		e.Address, e.Flags = sockaddr(data), int(arguments[2])
	case callSetsockopt, callGetsockopt:
		e.Level, e.Option, e.Value = int(arguments[1]), int(arguments[2]), bytes.Clone(data)
	case callPoll, callPpoll:
		e.FD, e.Size, e.Timeout = -1, int64(arguments[1]), time.Duration(r.Timeout)
		e.Polled = polled(data)
	case callSelect, callPselect:
		e.FD, e.Size, e.Timeout = -1, int64(int32(arguments[0])), time.Duration(r.Timeout)
	case callEpoll, callEpoll2:
		e.Timeout = time.Duration(r.Timeout)
	case callPlain:
		switch e.Name {
		case "read", "write":
			e.Size = int64(arguments[2])
		case "sendfile":
			e.Size = int64(arguments[3])
		case "listen", "shutdown":
			e.Flags = int(int32(arguments[1]))
		case "sendmmsg", "recvmmsg":
			e.Flags = int(arguments[3])
		}
	}
	return e
}

// result returns what a program sees of a result of the kernel.
func result(n int64) (int64, syscall.Errno) {
	switch {
	case n >= 0:
		return n, 0
	case -n >= restartFirst && -n <= restartLast:
		return -1, unix.EINTR
	default:
		return -1, syscall.Errno(-n)
	}
}

// sockaddr decodes a struct sockaddr of IP.
func sockaddr(b []byte) netip.AddrPort {
	if len(b) < 8 {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16(b[2:])
	switch family := le.Uint16(b); {
	case family == unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port)
	case family == unix.AF_INET6 && len(b) >= 24:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), port)
	default:
		return netip.AddrPort{}
	}
}

func polled(b []byte) []Polled {
	const size = 8
	var files []Polled
	for ; len(b) >= size; b = b[size:] {
		files = append(files, Polled{int(int32(le.Uint32(b))), le.Uint16(b[4:]), le.Uint16(b[6:])})
	}
	return files
}

// chunk is how many entries of a map are read at once.
const chunk = 512

// entries calls see for each entry of a map. Entries that come or go meanwhile may be left out.
func entries[K, V any](m *ebpf.Map, see func(*K, *V)) error {
	var cursor ebpf.MapBatchCursor
	keys, values := make([]K, chunk), make([]V, chunk)
	for {
		n, err := m.BatchLookup(&cursor, keys, values, nil)
		for i := range n {
			see(&keys[i], &values[i])
		}
		switch {
		case errors.Is(err, ebpf.ErrKeyNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("reading the memory of the programs: %w", err)
		}
	}
}

// byNamespace returns the watches that are not stopped.
func byNamespace(watches []*Watch) map[uint32]*Watch {
	by := map[uint32]*Watch{}
	for _, w := range watches {
		if !w.stopped {
			by[w.ns] = w
		}
	}
	return by
}

// inProgress reports the calls in progress of some watches. One that ends before its watch does is
// reported again, with its result.
func (v *View) inProgress(watches []*Watch) error {
	if v.object != callPrograms {
		return nil
	}
	by := byNamespace(watches)
	return entries(v.maps["threads"], func(_ *uint32, t *callsBpfThread) {
		if w := by[t.Call.Head.Netns]; w != nil && t.Busy != 0 && t.Call.Head.At == 0 {
			head := bpfHead(t.Call.Head)
			w.take(call(about(&head), &t.Call), 0)
		}
	})
}

// leftOut reports the calls of some watches that were counted, and forgets what the programs know of
// them.
func (v *View) leftOut(watches []*Watch) error {
	if v.object != callPrograms {
		return nil
	}
	by := byNamespace(watches)
	var left []callsBpfLeftKey
	err := entries(v.maps["left"], func(k *callsBpfLeftKey, n *uint64) {
		if w := by[k.Program.Netns]; w != nil {
			_, errno := result(int64(k.Error))
			left = append(left, *k)
			w.take(CallsLeft{
				Head: Head{Namespace: uint64(w.ns)}, Root: int(k.Program.Root),
				Name: callName(k.Number), Err: errno, N: *n,
			}, 0)
		}
	})
	var programs []callsBpfProgramKey
	err = errors.Join(err, entries(v.maps["budgets"], func(k *callsBpfProgramKey, _ *callsBpfBudget) {
		if by[k.Netns] != nil {
			programs = append(programs, *k)
		}
	}))
	for i := range left {
		_ = v.maps["left"].Delete(&left[i]) // the only error is that it is gone
	}
	for i := range programs {
		_ = v.maps["budgets"].Delete(&programs[i])
	}
	return err
}
