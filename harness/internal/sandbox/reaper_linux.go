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

	// looking is held by Look.
	looking sync.Mutex

	mu      sync.Mutex
	changed map[int]func(syscall.WaitStatus)
}

// NewReaper starts a reaper. A process has at most one, which lives as long as the process.
func NewReaper() *Reaper {
	r := &Reaper{changed: map[int]func(syscall.WaitStatus){}}
	// The channel keeps a signal that comes while the reaper works, so that no child's end is
	// missed.
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		for range died {
			r.Look()
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

// Spawn starts a process. When a signal has stopped it or let it go on, and once when it has ended, the
// reaper calls changed, as [Reaper.Look] does. A stop that ends before the reaper looks is not reported.
func (r *Reaper) Spawn(
	start func() (*Process, error), changed func(syscall.WaitStatus),
) (*Process, error) {
	r.starting.RLock()
	defer r.starting.RUnlock()
	p, err := start()
	if err == nil {
		r.mu.Lock()
		r.changed[p.PID] = changed
		r.mu.Unlock()
	}
	return p, err
}

// Watch calls ended when a process has ended that this one will inherit, should its parent end first.
// The parent waits for it otherwise; call Forget then, before the number can belong to another one.
func (r *Reaper) Watch(pid int, ended func(syscall.WaitStatus)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed[pid] = func(status syscall.WaitStatus) {
		if status.Exited() || status.Signaled() {
			ended(status)
		}
	}
}

// Forget undoes Watch.
func (r *Reaper) Forget(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.changed, pid)
}

// Look waits for all children that have ended, were stopped or go on. It calls their functions only
// after that, without the lock, because these may be waiting to start another child. When it returns,
// those of everything that happened before its call have returned. The reaper calls it for each signal.
func (r *Reaper) Look() {
	r.looking.Lock()
	defer r.looking.Unlock()
	var calls []func()
	r.starting.Lock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG|syscall.WUNTRACED|syscall.WCONTINUED, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			break
		}
		r.mu.Lock()
		if changed := r.changed[pid]; changed != nil {
			calls = append(calls, func() { changed(status) })
		}
		if status.Exited() || status.Signaled() {
			delete(r.changed, pid)
		}
		r.mu.Unlock()
	}
	r.starting.Unlock()
	for _, call := range calls {
		call()
	}
}
