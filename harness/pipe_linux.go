package harness

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"halfopen/internal/kernel"
)

// pipe is a pipe between this process and a child: one end stays here, the other goes there.
//
// It is a pair of sockets. A program of the scenario could open the end of a true pipe again, by
// /proc/PID/fd of the process that has it, and write events of its own. The kernel refuses that for
// a socket (ENXIO).
type pipe struct {
	here, there *os.File
}

// pipes are all pipes to a child that is about to be started. After the first error, which is kept,
// no more pipes are made. The zero value is ready to use.
type pipes struct {
	made []pipe
	err  error
}

// to makes a pipe that the child reads. name is for errors.
func (p *pipes) to(name string) pipe { return p.add(name) }

// from makes a pipe that the child writes.
func (p *pipes) from(name string) pipe { return p.add(name) }

func (p *pipes) add(name string) pipe {
	if p.err != nil {
		return pipe{}
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fds[0], true) // so that closing this end wakes who reads it
	}
	if err != nil {
		p.err = kernel.ExplainScarcity(fmt.Errorf("making the %s pipe: %w", name, err))
		return pipe{}
	}
	made := pipe{here: os.NewFile(uintptr(fds[0]), name), there: os.NewFile(uintptr(fds[1]), name)}
	p.made = append(p.made, made)
	return made
}

// closeThere closes the child's ends. Call it after the start of the child, even if that failed: a
// pipe ends only when every holder of its other end has closed it.
func (p *pipes) closeThere() {
	for _, e := range p.made {
		e.there.Close()
	}
}

// closeHere closes the ends of this process, except those closed before.
func (p *pipes) closeHere() {
	for _, e := range p.made {
		e.here.Close()
	}
}
