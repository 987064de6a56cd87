package sandbox

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper is what PID 1 owes its namespace: it waits for every child, the ones it started and the orphans it inherited.
type Reaper struct {
	// starting is held for reading while children are started, or are waited for by somebody else. The reaper waits for it,
	// and no other is started meanwhile, so that its turn comes.
	starting sync.RWMutex

	mu    sync.Mutex
	ended map[int]func(syscall.WaitStatus)
}

// NewReaper starts to reap. One process has at most one Reaper, and it lives as long as the process.
func NewReaper() *Reaper {
	r := &Reaper{ended: map[int]func(syscall.WaitStatus){}}
	// A signal that comes while the reaper works is kept here: no child's end is missed.
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		for range died {
			r.reap()
		}
	}()
	return r
}

// Exec calls f, which may start children and wait for them itself, as os/exec does. Calls must not be nested.
func (r *Reaper) Exec(f func() error) error {
	r.starting.RLock()
	defer r.starting.RUnlock()
	return f()
}

// Spawn starts a process and has ended called once, on a goroutine of the reaper's, when it has ended.
func (r *Reaper) Spawn(start func() (*Process, error), ended func(syscall.WaitStatus)) (*Process, error) {
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

// reap waits for all children that have ended, and then tells of them: whoever is told may be waiting to start another.
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
