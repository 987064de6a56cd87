package hand

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/creack/pty"
)

const (
	// idleOutput is how long further output is waited for once the command has ended: a process that
	// it left running may hold its output open. mostOutput bounds that as a whole.
	idleOutput, mostOutput = 200 * time.Millisecond, 5 * time.Second
	// interruptedWithin is how long an interrupted command may take to end.
	interruptedWithin = time.Second
)

// Enter runs a command on a host of a lab, with the standard streams of this process, and returns how
// it ended. It closes the connection, at which the lab ends a command that is still running. When the
// context is canceled, the command gets SIGINT.
//
// The lab never gets a terminal of this process, from which a program could read what is typed. If
// input and output are terminals, the command gets a new one, of the lab. Other terminals are replaced
// by pipes, and other files are passed on.
//
// pass passes the request and its files on to the lab; nil sends them over the connection.
func (c *Conn) Enter(
	ctx context.Context, r Request, std [3]*os.File, pass func(Request, []*os.File) error,
) (*Ended, error) {
	r.Op = OpEnter
	if pass == nil {
		pass = func(r Request, files []*os.File) error { return c.Send(r, files...) }
	}
	e := &entering{Conn: c, std: std, ended: make(chan struct{})}
	defer e.close()
	files, err := e.streams(&r)
	if err != nil {
		return nil, err
	}
	if err := pass(r, files); err != nil {
		return nil, gone(err)
	}
	CloseAll(e.there)
	e.there = nil
	stop := context.AfterFunc(ctx, func() { c.Close() })
	var first Reply
	terminal, err := c.Receive(&first)
	switch canceled := !stop(); {
	case canceled:
		err = ctx.Err()
	case err == nil:
		err = first.err()
	}
	if err == nil && r.Terminal != (len(terminal) == 1) {
		err = errors.New("the lab sent no terminal")
	}
	if err != nil {
		CloseAll(terminal)
		return nil, gone(err)
	}
	if r.Terminal {
		restore, err := e.join(terminal[0])
		restore = sync.OnceFunc(restore)
		defer restore()
		defer context.AfterFunc(ctx, restore)()
		if err != nil {
			return nil, err
		}
	}
	end, err := e.wait(ctx)
	close(e.ended)
	for _, f := range e.outputs {
		_ = f.SetReadDeadline(time.Now().Add(idleOutput))
	}
	e.writing.Wait()
	return end, err
}

// entering is a command of a lab, as its client sees it.
type entering struct {
	*Conn
	std [3]*os.File
	// there are the ends of pipes that belong to the lab, inputs and outputs the others.
	there, inputs, outputs []*os.File
	// terminal is set if the command has a terminal of its own.
	terminal bool
	// ended is closed when the command has ended.
	ended            chan struct{}
	reading, writing sync.WaitGroup
}

// close ends everything, which must not be in use any more apart from the input.
func (e *entering) close() {
	e.Close()
	CloseAll(e.there)
	CloseAll(e.inputs)
	CloseAll(e.outputs)
	e.reading.Wait()
	e.writing.Wait()
}

// streams decides what becomes of the standard streams, and returns the files that are passed on.
func (e *entering) streams(r *Request) ([]*os.File, error) {
	var terminals [3]bool
	for i, f := range e.std {
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = unix.EISDIR // a program could leave the lab by it
		}
		if err != nil {
			return nil, fmt.Errorf("passing on %s: %w", f.Name(), err)
		}
		terminals[i] = term.IsTerminal(int(f.Fd()))
	}
	if r.Terminal = terminals[0] && terminals[1]; r.Terminal {
		e.terminal = true
		r.Term = os.Getenv("TERM")
		if size, err := pty.GetsizeFull(e.std[1]); err == nil {
			r.Rows, r.Columns = size.Rows, size.Cols
		}
	}
	var files []*os.File
	for i, f := range e.std {
		if terminals[i] {
			if r.Terminal {
				continue
			}
			var err error
			if f, err = e.pipe(i); err != nil {
				return nil, fmt.Errorf("making a pipe for %s: %w", e.std[i].Name(), err)
			}
		}
		files = append(files, f)
		r.Streams = append(r.Streams, i)
	}
	return files, nil
}

// pipe returns the end for the lab of a pipe that takes the place of a terminal.
func (e *entering) pipe(i int) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	if i == 0 {
		e.there = append(e.there, r)
		return r, e.copyInput(w)
	}
	e.there = append(e.there, w)
	e.copyOutput(e.std[i], r)
	return w, nil
}

// copyInput copies the input of this process until close is called.
func (e *entering) copyInput(to *os.File) error {
	e.inputs = append(e.inputs, to)
	wake, end, err := os.Pipe()
	if err != nil {
		return err
	}
	e.inputs = append(e.inputs, end)
	from := int(e.std[0].Fd())
	e.reading.Go(func() {
		defer wake.Close()
		defer to.Close()
		ready := []unix.PollFd{
			{Fd: int32(from), Events: unix.POLLIN}, {Fd: int32(wake.Fd()), Events: unix.POLLIN},
		}
		buf := make([]byte, 32<<10)
		for {
			_, err := unix.Poll(ready, -1)
			if err == nil && ready[1].Revents != 0 {
				return
			}
			n := 0
			if err == nil {
				n, err = unix.Read(from, buf)
			}
			if err == unix.EINTR || err == unix.EAGAIN {
				continue
			}
			if err != nil || n == 0 {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	return nil
}

// copyOutput copies output of the command up to its end.
func (e *entering) copyOutput(to io.Writer, from *os.File) {
	e.outputs = append(e.outputs, from)
	e.writing.Go(func() {
		defer from.Close() // who writes on gets SIGPIPE
		buf := make([]byte, 32<<10)
		var most time.Time
		for {
			n, err := from.Read(buf)
			if n > 0 {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil { // of a terminal that nobody has open any more it is EIO
				return
			}
			select {
			case <-e.ended:
				now := time.Now()
				if most.IsZero() {
					most = now.Add(mostOutput)
				}
				if now.After(most) {
					return
				}
				_ = from.SetReadDeadline(now.Add(idleOutput))
			default:
			}
		}
	})
}

// join connects the terminal of this process with that of the command, until restore is called.
func (e *entering) join(passed *os.File) (restore func(), err error) {
	theirs, err := pollable(passed)
	if err != nil {
		passed.Close()
		return func() {}, err
	}
	e.inputs = append(e.inputs, theirs)
	before, err := term.MakeRaw(int(e.std[0].Fd()))
	if err != nil {
		passed.Close()
		return func() {}, fmt.Errorf("setting the terminal to raw mode: %w", err)
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	// These end the process at once, and would leave a raw terminal.
	fatal := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signal.Notify(fatal, s)
		}
	}
	done := make(chan struct{})
	e.reading.Go(func() {
		defer passed.Close()
		for {
			// The size may have changed before the signals were asked for.
			_ = pty.InheritSize(e.std[1], passed)
			select {
			case <-resized:
			case s := <-fatal:
				_ = term.Restore(int(e.std[0].Fd()), before) // the terminal may be gone
				signal.Reset(s)
				_ = unix.Kill(os.Getpid(), s.(syscall.Signal)) // a process may signal itself
			case <-done:
				return
			}
		}
	})
	e.copyOutput(e.std[1], theirs)
	return func() {
		signal.Stop(resized)
		signal.Stop(fatal)
		close(done)
		_ = term.Restore(int(e.std[0].Fd()), before) // without the terminal there is nothing to restore
	}, e.copyInput(theirs)
}

// pollable returns another descriptor of a file that came from the lab. It can have deadlines.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, fmt.Errorf("using the terminal of the lab: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// wait waits for the end of the command.
func (e *entering) wait(ctx context.Context) (*Ended, error) {
	type outcome struct {
		*Ended
		err error
	}
	ended := make(chan outcome, 1)
	e.reading.Go(func() {
		var r Reply
		files, err := e.Receive(&r)
		CloseAll(files)
		if err == nil {
			err = r.err()
		}
		if err == nil && r.Ended == nil {
			err = ErrEnded
		}
		ended <- outcome{r.Ended, gone(err)}
	})
	select {
	case o := <-ended:
		return o.Ended, o.err
	case <-ctx.Done():
	}
	if e.terminal {
		return nil, ctx.Err() // what was typed, the command has got
	}
	_ = e.Send(Signal{"INT"}) // on an error, ended has one as well
	late := time.NewTimer(interruptedWithin)
	defer late.Stop()
	select {
	case o := <-ended:
		return o.Ended, o.err
	case <-late.C:
		return nil, ctx.Err()
	}
}
