package sandbox

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper is what PID 1 owes its namespace: it waits for every child, the ones it started and the orphans it inherited.
type Reaper struct {
	// starting is held for reading while children are started, or are waited for by somebody else.
	starting sync.RWMutex

	mu    sync.Mutex
	ended map[int]func(syscall.WaitStatus)
}

// NewReaper starts to reap. One process has at most one Reaper, and it lives as long as the process.
func NewReaper() *Reaper {
	r := &Reaper{ended: map[int]func(syscall.WaitStatus){}}
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		for range died {
			r.reap()
		}
	}()
	return r
}

// Exec calls f, which may start children and wait for them itself, as os/exec does.
func (r *Reaper) Exec(f func() error) error {
	r.starting.RLock()
	err := f()
	r.starting.RUnlock()
	// A child that died meanwhile has used up its SIGCHLD.
	r.reap()
	return err
}

// Spawn starts a process and has ended called once, when it has ended.
func (r *Reaper) Spawn(start func() (*Process, error), ended func(syscall.WaitStatus)) (*Process, error) {
	r.starting.RLock()
	p, err := start()
	if err == nil {
		r.mu.Lock()
		r.ended[p.PID] = ended
		r.mu.Unlock()
	}
	r.starting.RUnlock()
	r.reap()
	return p, err
}

func (r *Reaper) reap() {
	if !r.starting.TryLock() {
		return // whoever holds it reaps afterwards
	}
	defer r.starting.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		r.mu.Lock()
		ended := r.ended[pid]
		delete(r.ended, pid)
		r.mu.Unlock()
		if ended != nil {
			ended(status)
		}
	}
}
