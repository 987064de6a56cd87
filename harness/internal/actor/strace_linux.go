package actor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/strace"
)

const (
	// executedWithin is how long strace may take to execute the program.
	executedWithin = 5 * time.Second
	// goneWithin is how long it may take to end after the program. If that left processes running, strace
	// stays with them.
	goneWithin = 50 * time.Millisecond
)

// seenCalls are the calls of one program that strace sees.
type seenCalls struct {
	// pipe brings what strace prints.
	pipe *os.File
	done chan struct{} // closed when pipe has been read to its end

	mu     sync.Mutex
	reader *strace.Reader
	come   int
	// finished is set when all calls have been reported.
	finished bool
}

// startSeen starts the program of a step as startProgram does, under strace if its calls are to be seen
// so. The program is then the process that was started, and is executed when startSeen returns. An error
// of its execution is as without strace.
func (t *thread) startSeen(r *running, as *User) error {
	cmd := r.cmd
	if err := t.place(cmd, as); err != nil {
		return err
	}
	if t.strace == "" || cmd.Err != nil {
		return explainStart(cmd, as, t.startPlaced(cmd))
	}
	pipe, err := newNamedPipe(as)
	if err != nil {
		return fmt.Errorf("making the pipe of strace: %w", err)
	}
	defer pipe.remove()
	path, args := cmd.Path, cmd.Args
	command := slices.Clone(args)
	if !strings.Contains(command[0], "/") && !slices.Contains(cmd.Env, "PATH="+os.Getenv("PATH")) {
		command[0] = path // strace looks into the PATH of the program
	}
	cmd.Path, cmd.Args = t.strace, strace.Arguments(pipe.path, command)
	err = t.startPlaced(cmd)
	cmd.Path, cmd.Args = path, args
	if err != nil {
		unix.Close(pipe.fd)
		return explainStart(cmd, as, err)
	}
	seen := &seenCalls{reader: strace.NewReader(cmd.Process.Pid), done: make(chan struct{})}
	seen.come, err = awaitExecution(pipe.fd, cmd.Process.Pid, seen.reader)
	seen.pipe = os.NewFile(uintptr(pipe.fd), "strace")
	if err == nil && seen.reader.Err != 0 {
		err = explainStart(cmd, as, &os.PathError{Op: "exec", Path: path, Err: seen.reader.Err})
	}
	if err != nil {
		_ = unix.Kill(cmd.Process.Pid, unix.SIGKILL) // it has ended by itself, or nobody could see it
		_ = cmd.Wait()
		seen.pipe.Close()
		return err
	}
	r.calls = seen
	return nil
}

// namedPipe is a pipe that strace opens by its path: a descriptor that it inherits, the program would
// inherit as well.
type namedPipe struct {
	path string
	fd   int // for reading
}

// newNamedPipe makes a pipe in the directory for temporary files, for a user.
func newNamedPipe(as *User) (*namedPipe, error) {
	dir, err := os.MkdirTemp("", "halfopen-strace-")
	if err != nil {
		return nil, err
	}
	p := &namedPipe{path: filepath.Join(dir, "pipe"), fd: -1}
	err = unix.Mkfifo(p.path, 0o600)
	if err == nil && as != nil {
		err = errors.Join(os.Chown(p.path, int(as.UID), int(as.GID)), os.Chown(dir, int(as.UID), int(as.GID)))
	}
	if err == nil {
		p.fd, err = unix.Open(p.path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

// remove removes the path; open files stay.
func (p *namedPipe) remove() { _ = os.RemoveAll(filepath.Dir(p.path)) } // it goes with the lab at the latest

// awaitExecution reads until strace has executed the program, and returns how much that was. strace, or
// the program, may have ended.
func awaitExecution(fd, pid int, reader *strace.Reader) (come int, err error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, fmt.Errorf("watching strace: %w", err)
	}
	defer unix.Close(process)
	buffer := make([]byte, 4096)
	for deadline := time.Now().Add(executedWithin); !reader.Executed; {
		left := time.Until(deadline)
		if left <= 0 {
			return come, fmt.Errorf("strace has not executed it within %v: %w", executedWithin, unix.ETIMEDOUT)
		}
		files := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(process), Events: unix.POLLIN}}
		if _, err := unix.Poll(files, int(left.Milliseconds())+1); err != nil && err != unix.EINTR {
			return come, fmt.Errorf("waiting for strace: %w", err)
		}
		if files[0].Revents != 0 {
			n, err := unix.Read(fd, buffer)
			if n > 0 {
				come += n
				reader.Read(buffer[:n], 0) // no call on a socket precedes the execution
				continue
			}
			if n == 0 && err == nil {
				return come, nil // strace has ended
			}
		}
		if files[1].Revents != 0 {
			return come, nil
		}
	}
	return come, nil
}

// read begins to read the calls of a program that has started.
func (s *session) read(c *seenCalls) {
	if c == nil {
		return
	}
	s.mu.Lock()
	s.seen = append(s.seen, c)
	s.mu.Unlock()
	go func() { // it ends with strace, or with the actor
		defer c.pipe.Close()
		defer close(c.done)
		buffer := make([]byte, 64<<10)
		for {
			n, err := c.pipe.Read(buffer)
			if n > 0 {
				c.take(s, buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
}

// take reports the calls that have ended.
func (c *seenCalls) take(s *session, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.come += len(b)
	if c.finished {
		return
	}
	if calls := c.reader.Read(b, ahead()); len(calls) > 0 {
		s.reports.report(&Report{Calls: &Calls{Seen: calls}})
	}
}

// ahead returns how much CLOCK_REALTIME, which strace prints, is ahead of CLOCK_MONOTONIC now.
func ahead() time.Duration {
	var real, monotonic unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &monotonic) // the clocks exist
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &real)
	return time.Duration(real.Nano() - monotonic.Nano())
}

// flushCalls reports what strace has not yet shown in full.
func (s *session) flushCalls() {
	s.mu.Lock()
	all := s.seen
	s.mu.Unlock()
	give := time.Now().Add(flushWithin)
	for _, c := range all {
		unread := !c.catchUp(give)
		c.mu.Lock()
		c.finished = true
		calls, left := c.reader.Rest(ahead())
		s.reports.report(&Report{Calls: &Calls{
			Seen: calls, Left: left, Lost: c.reader.Lost, Rings: c.reader.Rings, Unread: unread || !c.reader.Executed,
		}})
		c.mu.Unlock()
	}
}

// catchUp waits until what strace has printed up to now has been read, of a program that has ended also
// that it has. It returns false if that does not come.
func (c *seenCalls) catchUp(give time.Time) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for due := c.printed(); ; {
		c.mu.Lock()
		read, over := c.come >= due, c.reader.Ended || unix.Kill(c.reader.Root(), 0) == nil
		c.mu.Unlock()
		if read && over {
			return true
		}
		if time.Now().After(give) {
			return false
		}
		select {
		case <-c.done:
			return c.hasEnded() // if not, strace has died first
		case <-tick.C:
		}
	}
}

// letGo waits for the end of strace after that of its program. Until then strace holds the program's outputs
// open, as if the program had left a process running.
func (c *seenCalls) letGo(out *outputs) {
	if c == nil {
		return
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for give := time.Now().Add(goneWithin); time.Now().Before(give); <-tick.C {
		if out.stdout.closed() && out.stderr.closed() {
			return
		}
	}
}

func (c *seenCalls) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reader.Ended
}

// printed returns how much strace has printed.
func (c *seenCalls) printed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	if raw, err := c.pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	return c.come + n
}
