package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// output is a standard output that is not a terminal. It keeps the first error of its writes,
// and writes nothing after it, so that no command succeeds whose output is lost. It is safe for concurrent use.
type output struct {
	mu  sync.Mutex
	w   io.Writer
	err error
	// unread is called when the reader has closed its pipe.
	unread func()
}

// newOutput returns the writer for a command, and a function that returns the first error of its
// writes. unread is called when nobody reads the output any more. A terminal is left as it is: it is
// never full, and views look for it.
func newOutput(out io.Writer, unread func()) (io.Writer, func() error) {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return out, func() error { return nil }
	}
	o := &output{w: out, unread: unread}
	return o, o.failed
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	var n int
	n, o.err = o.w.Write(text)
	if errors.Is(o.err, syscall.EPIPE) {
		o.unread()
	}
	return n, o.err
}

func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// lost returns the error of a command for output that could not be written. err is the error that
// the command ended with. A reader that closed its pipe has what it wanted, so there is no message;
// only where SIGPIPE is ignored does the command see that, elsewhere it ends the process.
func lost(unwritten, err error) error {
	if errors.Is(unwritten, syscall.EPIPE) {
		return &statusError{status: statusUsage}
	}
	all := fmt.Errorf("writing the output: %w", unwritten)
	if !isSilent(err) && !errors.Is(err, unwritten) {
		all = errors.Join(err, all)
	}
	return &statusError{statusUsage, all}
}
