package trace

import "time"

// Call is a system call that a program made on a socket of IP, or that waited for files for 1 ms or
// longer: socket, connect, bind, listen, accept, send and recv of all kinds, read, write, sendfile,
// shutdown, close, setsockopt, getsockopt of SO_ERROR, poll, select and epoll_wait. It comes from the
// kernel's tracepoints; T is its end, or the end of the run if it was still in progress.
type Call struct {
	Host string `json:"host"`
	// Actor, Step and N name the program, as in [Program].
	Actor string `json:"actor"`
	Step  string `json:"step"`
	N     int    `json:"n"`
	// PID is the process that made the call, the program's own or one that it started, and TID the
	// thread, in the lab's PID namespace.
	PID int `json:"pid"`
	TID int `json:"tid,omitempty"`
	// Name is that of the system call, such as sendto.
	Name string `json:"name"`
	// Began is when the call began, on the clock of T. The duration is T - Began.
	Began time.Duration `json:"began"`
	// Unfinished says that the call had not returned when the run ended.
	Unfinished bool `json:"unfinished,omitempty"`
	// Errno is the name of the error, "" for success. A call that a signal interrupted has EINTR, also
	// if the kernel then makes it again by itself (SA_RESTART in sigaction(2)).
	Errno string `json:"errno,omitempty"`
	// Result is the return value: -1 with an Errno.
	Result int64 `json:"result"`
	// FD is the descriptor that the call was made on; nil for socket, and for calls that wait for
	// several.
	FD *int `json:"fd,omitempty"`
	// Cookie is the socket's number, as in [Socket]; 0 is unknown, as of most UDP sockets.
	Cookie uint64 `json:"cookie,omitempty"`
	// Proto is the socket's protocol: tcp, udp, or a number.
	Proto string `json:"proto,omitempty"`
	// Local and Remote are the socket's addresses after the call, as in [Socket]; of accept those of
	// the connection. "" is unknown.
	Local  string `json:"local,omitempty"`
	Remote string `json:"remote,omitempty"`
	// Address is the address that the program passed in (connect, bind, sendto, sendmsg) or got back
	// (accept, recvfrom, recvmsg).
	Address string `json:"address,omitempty"`
	// Size is the number of bytes that were asked for, or of files that poll and select wait for; nil if
	// that is not known.
	Size *int64 `json:"size,omitempty"`
	// Flags are those of send and recv, as the C constants: MSG_PEEK|MSG_DONTWAIT.
	Flags string `json:"flags,omitempty"`
	// Option is the socket option of setsockopt and getsockopt.
	Option string `json:"option,omitempty"`
	// Value is the value of the option, what shutdown shut down (read, write or both), the backlog of
	// listen, or the files that poll waited for.
	Value string `json:"value,omitempty"`
	// Timeout is how long poll, select and epoll_wait were to wait; nil for ever.
	Timeout *time.Duration `json:"timeout,omitempty"`
}

// CallsLeft says how many calls of a program are not in the trace: only the first 10 000 of a program
// are, and after them 2000 that failed, found the end of the data, or took 10 ms or longer. It is
// written at the end of the run.
type CallsLeft struct {
	Host string `json:"host"`
	// Actor, Step and N name the program.
	Actor string `json:"actor"`
	Step  string `json:"step"`
	N     int    `json:"n"`
	// Name and Errno are as in [Call].
	Name  string `json:"name"`
	Errno string `json:"errno,omitempty"`
	Count uint64 `json:"count"`
}
