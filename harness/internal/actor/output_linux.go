package actor

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
)

// What is kept of each output stream of a program, in bytes: its beginning, and its end, where a
// program says why it gave up.
const (
	maxOutput = 64 << 10
	maxEnd    = 16 << 10
)

// outputs are the pipes that a program writes to.
type outputs struct{ stdout, stderr *output }

// newOutputs makes the pipes of a program that has not started. What comes becomes lines, and is
// written to files if there are logs. Call started after its start, and end once.
func newOutputs(cmd *exec.Cmd, p *printed, l *logs) (*outputs, error) {
	stdout, err := newOutput(p, trace.Stdout, l)
	if err != nil {
		return nil, err
	}
	stderr, err := newOutput(p, trace.Stderr, l)
	if err != nil {
		stdout.r.Close()
		stdout.w.Close()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = stdout.w, stderr.w
	return &outputs{stdout, stderr}, nil
}

// started closes the program's ends of the pipes, which the program has now, and begins to read.
func (o *outputs) started() {
	for _, out := range []*output{o.stdout, o.stderr} {
		out.w.Close()
		go out.read()
	}
}

// printed returns what is kept, after end.
func (o *outputs) printed() *trace.Printed {
	p := &trace.Printed{
		StdoutBytes: o.stdout.written, StderrBytes: o.stderr.written,
		Left: o.stdout.held || o.stderr.held,
	}
	p.Stdout, p.StdoutEnd = o.stdout.text()
	p.Stderr, p.StderrEnd = o.stderr.text()
	return p
}

// end reads what was written up to now. The pipes must not be read after it.
func (o *outputs) end() {
	o.stdout.end()
	o.stderr.end()
}

// output is one pipe.
type output struct {
	r, w *os.File
	// kept are the first maxOutput bytes of those written, after the last maxEnd of those that
	// follow. All fields but the files belong to read until done is closed.
	kept    []byte
	after   []byte
	written int64
	// held is set by end if some process could still write to the pipe.
	held bool
	done chan struct{}
	// lines gets what is read; come is how much that was.
	lines *printer
	come  atomic.Int64
	// log is the file that gets it all; nil for none.
	log *log
}

func newOutput(p *printed, name trace.Stream, l *logs) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{
		r: r, w: w, done: make(chan struct{}), lines: p.printer(name),
		log: l.of(&p.program, name, p.note),
	}, nil
}

// read reads until all writers have closed the pipe, or until end.
func (o *output) read() {
	defer close(o.done)
	buffer := make([]byte, 32<<10)
	for {
		n, err := o.r.Read(buffer)
		o.add(buffer[:n])
		if err != nil {
			o.held = errors.Is(err, os.ErrDeadlineExceeded)
			return
		}
	}
}

func (o *output) add(b []byte) {
	if len(b) == 0 {
		return
	}
	o.lines.add(b)
	_, _ = o.log.Write(b)
	o.come.Add(int64(len(b)))
	o.written += int64(len(b))
	n := min(len(b), maxOutput-len(o.kept))
	o.kept = append(o.kept, b[:n]...)
	o.after = append(o.after, b[n:]...)
	o.after = append(o.after[:0], o.after[max(len(o.after)-maxEnd, 0):]...)
}

// text returns what was written, in one piece if all of it is there, else its beginning and its end.
func (o *output) text() (beginning, end trace.Output) {
	if o.written == int64(len(o.kept)+len(o.after)) {
		return trace.Output(o.kept) + trace.Output(o.after), ""
	}
	return trace.Output(o.kept), trace.Output(o.after)
}

// end stops read, and reads what is in the pipe now. Processes that the program left running may
// write on: only the file gets that, but it is taken from the pipe, so that they do not get SIGPIPE.
func (o *output) end() {
	_ = o.r.SetReadDeadline(time.Unix(1, 0)) // a pipe takes deadlines
	<-o.done
	if !o.held {
		o.close()
		return
	}
	_ = o.r.SetReadDeadline(time.Time{})
	there := o.waiting()
	rest := make([]byte, there)
	n, _ := io.ReadFull(o.r, rest) // does not block: nobody else reads
	o.add(rest[:n])
	if o.held = !o.closed(); !o.held {
		o.close()
		return
	}
	// It ends with the last writer. The actor's process does not wait for that: what remains of a
	// lab is ended with it.
	go func() {
		_, _ = io.Copy(o.log, o.r)
		o.close()
	}()
}

func (o *output) close() {
	o.r.Close()
	o.log.close()
}

// catchUp waits until what is in the pipe now has been read, for at most a time.
func (o *output) catchUp(patience time.Duration) {
	due := o.come.Load() + int64(o.waiting())
	for give := time.Now().Add(patience); o.come.Load() < due && time.Now().Before(give); {
		select {
		case <-o.done:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// waiting returns how many bytes are in the pipe.
func (o *output) waiting() int {
	n := 0
	o.control(func(fd int) { n, _ = unix.IoctlGetInt(fd, unix.TIOCINQ) })
	return n
}

// closed reports whether all writers have closed the pipe.
func (o *output) closed() bool {
	hup := false
	o.control(func(fd int) {
		p := []unix.PollFd{{Fd: int32(fd)}}
		_, _ = unix.Poll(p, 0)
		hup = p[0].Revents&unix.POLLHUP != 0
	})
	return hup
}

func (o *output) control(f func(fd int)) {
	if c, err := o.r.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { f(int(fd)) })
	}
}
