package actor

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// runQueue measures how long threads of this process waited for a processor while they could run. Use
// it on one thread only, and begin with a call of waited.
type runQueue struct {
	// read is when the kernel was asked last, own what it said of the calling thread, and others of all
	// threads when it was last asked for them.
	read   time.Duration
	own    time.Duration
	others map[string]time.Duration
}

// longStep is the time from which the other threads are asked for, which costs some 0.1 ms.
const longStep = 20 * time.Millisecond

// waited returns how long the thread has waited since the call before, at most all the time since; 0
// if that cannot be [trace.Shortest], or if the kernel does not say. After longStep, the waiting of
// other threads of the process counts, if one waited longer: the runtime may need another thread
// before the calling one goes on.
func (q *runQueue) waited(now time.Duration) time.Duration {
	passed := now - q.read
	first := q.others == nil
	if !first && passed < trace.Shortest {
		return 0 // so that short steps cost no look; the next call counts it
	}
	q.read = now
	longest := time.Duration(0)
	if own, ok := runDelay("/proc/thread-self/schedstat"); ok {
		longest, q.own = own-q.own, own
	}
	if first || passed >= longStep {
		before := q.others
		q.others = runDelays()
		for thread, total := range q.others {
			if was, known := before[thread]; known {
				longest = max(longest, total-was)
			}
		}
	}
	if first {
		return 0
	}
	return min(longest, passed)
}

// runDelays returns how long each thread of the process has waited on run queues since it exists: the
// second number of its schedstat (Documentation/scheduler/sched-stats.rst). Those that cannot be read
// are missing: all of them with a kernel without CONFIG_SCHED_INFO.
func runDelays() map[string]time.Duration {
	all := map[string]time.Duration{}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return all
	}
	for _, t := range threads {
		if total, ok := runDelay(filepath.Join("/proc/self/task", t.Name(), "schedstat")); ok {
			all[t.Name()] = total
		}
	}
	return all
}

func runDelay(schedstat string) (total time.Duration, ok bool) {
	fd, err := unix.Open(schedstat, unix.O_RDONLY|unix.O_CLOEXEC, 0)
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
