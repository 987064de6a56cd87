package actor

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	own    delay
	others map[string]delay
}

// delay is how long a thread has waited on run queues since it exists, and how often it then ran.
type delay struct {
	waited time.Duration
	runs   int64
}

// since returns what came after an earlier reading.
func (d delay) since(before delay) delay {
	return delay{max(d.waited-before.waited, 0), max(d.runs-before.runs, 0)}
}

// worst returns how long the longest of the waits was, which the kernel does not say: all of a single
// wait; of n waits as long as the longest of n is on average, if short ones are as much more frequent
// than long ones as on a busy machine (an exponential distribution).
func (d delay) worst() time.Duration {
	if d.runs <= 1 {
		return d.waited
	}
	n := float64(d.runs)
	return min(d.waited, time.Duration(float64(d.waited)/n*(1+math.Log(n))))
}

// longStep is the time from which the other threads are asked for, which costs some 0.1 ms.
const longStep = 20 * time.Millisecond

// waited returns how long the thread has waited since the call before, together and at once, at most
// all the time since; 0 if that cannot be [trace.Shortest], or if the kernel does not say. After
// longStep, a wait of another thread of the process counts, if that was longer: the runtime may need
// another thread before the calling one goes on, once.
func (q *runQueue) waited(now time.Duration) (sum, worst time.Duration) {
	passed := now - q.read
	first := q.others == nil
	if !first && passed < trace.Shortest {
		return 0, 0 // so that short steps cost no look; the next call counts it
	}
	q.read = now
	if own, ok := runDelay("/proc/thread-self/schedstat"); ok {
		waits := own.since(q.own)
		sum, worst, q.own = waits.waited, waits.worst(), own
	}
	if first || passed >= longStep {
		before := q.others
		q.others = runDelays()
		for thread, now := range q.others {
			if was, known := before[thread]; known {
				worst = max(worst, now.since(was).worst())
			}
		}
	}
	if first {
		return 0, 0
	}
	return min(max(sum, worst), passed), min(worst, passed)
}

// mostOthers is how many threads are asked for, the oldest: those of the runtime are among them. A
// parallel step has thousands, and each asks for the others.
const mostOthers = 64

// runDelays returns what the kernel says of each thread of the process, at most mostOthers. Those that
// cannot be read are missing: all of them with a kernel without CONFIG_SCHED_INFO.
func runDelays() map[string]delay {
	all := map[string]delay{}
	task, err := os.Open("/proc/self/task")
	if err != nil {
		return all
	}
	defer task.Close()
	threads, _ := task.Readdirnames(mostOthers) // on an error, those read so far
	for _, thread := range threads {
		if d, ok := runDelay(filepath.Join("/proc/self/task", thread, "schedstat")); ok {
			all[thread] = d
		}
	}
	return all
}

// ShowsRunQueue reports whether the kernel says how long threads waited for a processor. If not, what
// says how late the lab was are its own clocks alone.
func ShowsRunQueue() bool { return showsRunQueue("/proc/thread-self/schedstat") }

func showsRunQueue(schedstat string) bool {
	d, ok := runDelay(schedstat)
	return ok && d != delay{} // a thread that runs has been made to run at least once
}

// RunDelay returns how long a thread has waited on run queues since it exists, from its schedstat. ok is
// false if the thread has ended, or if the kernel does not say.
func RunDelay(schedstat string) (waited time.Duration, ok bool) {
	d, ok := runDelay(schedstat)
	return d.waited, ok
}

// runDelay reads a schedstat: the second number is how long the thread waited, in nanoseconds, the
// third how often it ran (Documentation/scheduler/sched-stats.rst).
func runDelay(schedstat string) (d delay, ok bool) {
	fd, err := unix.Open(schedstat, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return d, false
	}
	var text [64]byte
	n, err := unix.Read(fd, text[:])
	_ = unix.Close(fd) // opened for reading: nothing can be lost
	if err != nil {
		return d, false
	}
	return parseDelay(string(text[:n]))
}

func parseDelay(text string) (d delay, ok bool) {
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return d, false
	}
	waited, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return d, false
	}
	d.runs, err = strconv.ParseInt(fields[2], 10, 64)
	d.waited = time.Duration(waited)
	return d, err == nil
}
