package network

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Namespace is the network namespace of one host. A dedicated thread lives in it and does all work
// there.
type Namespace struct {
	name string
	fd   netns.NsHandle
	nl   *netlink.Handle
	work chan func()
}

// newNamespace makes a new namespace if fresh is set; else it takes that of the calling process.
func newNamespace(name string, fresh bool) (*Namespace, error) {
	n := &Namespace{name: name, work: make(chan func())}
	made := make(chan error)
	go n.serve(fresh, made)
	if err := <-made; err != nil {
		close(n.work)
		return nil, err
	}
	return n, nil
}

// serve enters the namespace, reports the result to made, and does all work there.
func (n *Namespace) serve(fresh bool, made chan<- error) {
	// The thread is never unlocked: it ends with the goroutine, so nothing else runs in this
	// namespace by accident.
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// Only the main thread does not end with its goroutine; it would keep the namespace until
		// the process ends.
		elsewhere := make(chan error)
		go n.serve(fresh, elsewhere)
		made <- <-elsewhere
		runtime.UnlockOSThread()
		return
	}
	made <- n.enter(fresh)
	for f := range n.work {
		f()
	}
}

func (n *Namespace) enter(fresh bool) error {
	var err error
	if fresh {
		n.fd, err = netns.New()
	} else {
		n.fd, err = netns.Get()
	}
	if err != nil {
		return fmt.Errorf("making the network namespace of %s: %w", n.name, err)
	}
	if n.nl, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		n.fd.Close()
		return fmt.Errorf("opening a netlink socket in %s: %w", n.name, err)
	}
	return nil
}

// Name returns the host's name.
func (n *Namespace) Name() string { return n.name }

// FD returns a descriptor of the namespace, for setns(2). It stays open until the network is
// closed.
func (n *Namespace) FD() int { return int(n.fd) }

// Do runs f on a thread in the namespace. Programs that f starts are in it too. Calls wait for each
// other, so f must not call Do of the same namespace.
func (n *Namespace) Do(f func() error) error {
	done := make(chan error)
	n.work <- func() { done <- f() }
	return <-done
}

func (n *Namespace) close() error {
	close(n.work)
	n.nl.Close()
	return n.fd.Close()
}

// SetSysctl sets a kernel parameter, named in dotted form. The error is a *[SysctlError], in which
// errors.As finds the errno.
func (n *Namespace) SetSysctl(name, value string) error {
	return n.Do(func() error { return setSysctl(n.name, name, value) })
}

// CanSetSysctl returns nil if the namespace has the parameter and it can be set, else a
// *[SysctlError]. neededBy is for its message.
func (n *Namespace) CanSetSysctl(name, neededBy string) error {
	return n.Do(func() error {
		fd, err := openSysctl(name, neededBy)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	})
}

// Sysctl reads a kernel parameter, named in dotted form; ok is false if the kernel does not have
// it.
func (n *Namespace) Sysctl(name string) (value string, ok bool, err error) {
	err = n.Do(func() error {
		value, ok, err = readSysctl(n.name, name)
		return err
	})
	return value, ok, err
}
