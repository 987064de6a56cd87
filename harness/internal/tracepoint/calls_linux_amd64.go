package tracepoint

import "golang.org/x/sys/unix"

// olderCalls are those that newer architectures do not have.
var olderCalls = map[uint32]callNumber{
	unix.SYS_POLL: {"poll", callPoll}, unix.SYS_SELECT: {"select", callSelect},
	unix.SYS_EPOLL_WAIT: {"epoll_wait", callEpoll},
}
