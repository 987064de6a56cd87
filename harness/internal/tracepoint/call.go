package tracepoint

import (
	"net/netip"
	"syscall"
	"time"
)

// Call is a system call on a socket of IP, or one that waited for files for 1 ms or longer, of a program
// of a lab. The head's time is its end; of one that has not ended, 0. The socket is the one that it was
// made on, as it was after the call; of accept it is that of the connection.
type Call struct {
	Head
	// Root is the process of a step's program, PID the one that called, which may have been started by
	// that, and TID the thread, as the PID namespace of the lab numbers them.
	Root, PID, TID int
	// Name is that of the system call, such as "connect".
	Name string
	// Began is the reading of CLOCK_MONOTONIC when it began.
	Began time.Duration
	// Unfinished says that the call was in progress when the watch ended.
	Unfinished bool
	// Result is what it returned, -1 with an Err. A call that a signal interrupted has EINTR, also if
	// the kernel makes it again after the signal.
	Result int64
	Err    syscall.Errno
	// FD is its descriptor; -1 for a call that has none, or several.
	FD int
	// Type and Protocol are the socket's: SOCK_STREAM, IPPROTO_TCP; of socket, those asked for.
	Type, Protocol int
	// Address is the address that was passed in, or given back.
	Address netip.AddrPort
	// Size is the number of bytes asked for, or of polled files; -1 if it is not known.
	Size int64
	// Flags are those of send and recv; of shutdown how, of listen the backlog.
	Flags int
	// Level and Option are those of setsockopt and getsockopt, and Value is at most the first 32 bytes
	// of the option's value.
	Level, Option int
	Value         []byte
	// Polled are at most the first 4 files of poll and ppoll.
	Polled []Polled
	// Timeout is that of a call that waits for files; -1 if it has none.
	Timeout time.Duration
}

// Polled is a struct pollfd.
type Polled struct {
	FD              int
	Events, Revents uint16
}

// CallsLeft says how many calls of a program were not reported, because there were too many: see
// bpf/calls.c.
type CallsLeft struct {
	Head
	// Root, Name and Err are as in [Call].
	Root int
	Name string
	Err  syscall.Errno
	N    uint64
}

// Kind returns [KindCall].
func (Call) Kind() Kind { return KindCall }

// Kind returns [KindCall].
func (CallsLeft) Kind() Kind { return KindCall }
