package actor

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// runQueue measures how long the calling thread waits for a processor while it could run. The zero
// value is ready to use. Use it on one thread only.
type runQueue struct {
	// read is when the kernel was asked last, total what it said.
	read, total time.Duration
	known       bool
}

// waited returns how long the thread has waited since the call before; 0 if that cannot be
// [trace.Shortest], if the kernel does not say, or if it was not asked before.
func (q *runQueue) waited(now time.Duration) time.Duration {
	if q.known && now-q.read < trace.Shortest {
		return 0 // so that short steps cost no look; the next call counts it
	}
	total, ok := runDelay()
	before, known := q.total, q.known
	q.read, q.total, q.known = now, total, ok
	if !ok || !known {
		return 0
	}
	return total - before
}

// runDelay returns how long the calling thread has waited on run queues since it exists, the second
// number of its schedstat (Documentation/scheduler/sched-stats.rst). ok is false for a kernel
// without CONFIG_SCHED_INFO, and where the file cannot be read.
func runDelay() (total time.Duration, ok bool) {
	fd, err := unix.Open("/proc/thread-self/schedstat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	var text [64]byte
	n, err := unix.Read(fd, text[:])
	_ = unix.Close(fd) // opened for reading: nothing can be lost
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text[:n])
	if len(fields) < 2 {
		return 0, false
	}
	ns, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return time.Duration(ns), err == nil
}
