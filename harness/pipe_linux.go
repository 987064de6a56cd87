package harness

import (
	"fmt"
	"io"
	"os"
	"runtime"

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

// filesWriter writes to a pipe, and sends files with the first bytes.
type filesWriter struct {
	file  *os.File
	files []*os.File
}

func (w *filesWriter) Write(data []byte) (int, error) {
	if len(w.files) == 0 {
		return w.file.Write(data)
	}
	var fds []int
	for _, f := range w.files {
		conn, err := f.SyscallConn() // os.File.Fd would make the file block
		if err == nil {
			err = conn.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
		}
		if err != nil {
			return 0, err
		}
	}
	pipe, err := w.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	var failed error
	if err := pipe.Write(func(fd uintptr) bool {
		n, failed = unix.SendmsgN(int(fd), data, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		return failed != unix.EAGAIN
	}); err != nil {
		return 0, err
	}
	runtime.KeepAlive(w.files)
	w.files = nil
	if failed != nil || n == len(data) {
		return n, failed
	}
	rest, err := w.file.Write(data[n:])
	return n + rest, err
}

// mostFiles is how many files come with one read of a pipe at most (SCM_MAX_FD in net/scm.h).
const mostFiles = 253

// filesReader reads from a pipe, and keeps the files that come.
type filesReader struct {
	file  *os.File
	files []*os.File
}

func (r *filesReader) Read(data []byte) (int, error) {
	pipe, err := r.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	rights := make([]byte, unix.CmsgSpace(mostFiles*4))
	n, used := 0, 0
	var failed error
	if err := pipe.Read(func(fd uintptr) bool {
		n, used, _, _, failed = unix.Recvmsg(int(fd), data, rights, unix.MSG_CMSG_CLOEXEC)
		return failed != unix.EAGAIN && failed != unix.EINTR
	}); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, failed
	}
	messages, err := unix.ParseSocketControlMessage(rights[:used])
	if err != nil {
		return 0, err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return 0, err
		}
		for _, fd := range fds {
			r.files = append(r.files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	if n == 0 && len(data) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// take returns the first n of the files that have come.
func (r *filesReader) take(n int) []*os.File {
	n = min(n, len(r.files))
	files := r.files[:n:n]
	r.files = r.files[n:]
	return files
}
