package sandbox

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper does the duty of PID 1: it waits for every child, the ones that it started and the orphans
// that it inherited.
type Reaper struct {
	// starting is held for reading while a child is started, or while other code waits for one. The
	// reaper locks it for writing. No child is started while the reaper waits for the lock, so its
	// turn comes.
	starting sync.RWMutex

	mu    sync.Mutex
	ended map[int]func(syscall.WaitStatus)
}

// NewReaper starts a reaper. A process has at most one, which lives as long as the process.
func NewReaper() *Reaper {
	r := &Reaper{ended: map[int]func(syscall.WaitStatus){}}
	// The channel keeps a signal that comes while the reaper works, so that no child's end is
	// missed.
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		for range died {
			r.reap()
		}
	}()
	return r
}

// Exec calls f, which may start children and wait for them itself, as os/exec does. Calls must not
// be nested.
func (r *Reaper) Exec(f func() error) error {
	r.starting.RLock()
	defer r.starting.RUnlock()
	return f()
}

// Spawn starts a process. When the process has ended, the reaper calls ended once, on its
// goroutine.
func (r *Reaper) Spawn(
	start func() (*Process, error), ended func(syscall.WaitStatus),
) (*Process, error) {
	r.starting.RLock()
	defer r.starting.RUnlock()
	p, err := start()
	if err == nil {
		r.mu.Lock()
		r.ended[p.PID] = ended
		r.mu.Unlock()
	}
	return p, err
}

// reap waits for all children that have ended. It calls their ended functions only after that,
// without the lock, because these may be waiting to start another child.
func (r *Reaper) reap() {
	var told []func()
	r.starting.Lock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			break
		}
		r.mu.Lock()
		if ended := r.ended[pid]; ended != nil {
			told = append(told, func() { ended(status) })
		}
		delete(r.ended, pid)
		r.mu.Unlock()
	}
	r.starting.Unlock()
	for _, tell := range told {
		tell()
	}
}
