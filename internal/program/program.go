// Package program runs programs of the machine to their end, each with a time limit.
package program

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"halfopen/internal/say"
)

// Program is a program of the machine and its arguments.
type Program struct {
	// Name is looked up in PATH, unless it is a path.
	Name string
	Args []string
	// Dir is its working directory; "" is that of the caller.
	Dir string
	// Limit is the time that it may take. It is required.
	Limit time.Duration
}

// Error says how a program failed.
type Error struct {
	Program Program
	// Late is true if the program was killed at its time limit.
	Late bool
	// Err is the reason. It is an [exec.ExitError] for a program that failed by itself.
	Err error
	// Stderr is the text that it wrote to its standard error, without white space at its ends.
	Stderr string
}

// Error returns one line, with the last line of the program's standard error.
func (e *Error) Error() string {
	command := strings.Join(append([]string{e.Program.Name}, e.Program.Args...), " ")
	text := fmt.Sprintf("%s: %v", command, e.Err)
	if e.Late {
		text = fmt.Sprintf("%s did not end within %s and was killed", command,
			say.Duration(e.Program.Limit))
	}
	if line := e.Stderr[strings.LastIndexByte(e.Stderr, '\n')+1:]; line != "" {
		text += ": " + line
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Run runs the program and waits for its end. It returns the text that the program, and processes that
// it has started, wrote to its standard output until then. A program that is not done in time, or whose
// context is canceled, is killed, and so are the processes that it started. The error is an *[Error],
// unless the context was canceled.
func (p Program) Run(ctx context.Context) (stdout []byte, err error) {
	limited, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	cmd := exec.CommandContext(limited, p.Name, p.Args...)
	cmd.Dir = p.Dir
	inGroup(cmd)
	// Package exec would read pipes. It drops what it has not read some time after the end of the
	// program, on a busy machine perhaps everything; without that time, a process that holds a pipe
	// open holds up the end.
	var out, words *os.File
	for _, file := range []**os.File{&out, &words} {
		if *file, err = newFile(); err != nil {
			return nil, fmt.Errorf("keeping the output of %s: %w", p.Name, err)
		}
		defer (*file).Close()
	}
	cmd.Stdout, cmd.Stderr = out, words
	// The thread must not end before the program, which would die with it.
	runtime.LockOSThread()
	failed := cmd.Run()
	runtime.UnlockOSThread()
	stdout, err = contents(out)
	stderr, wordsErr := contents(words)
	switch {
	case ctx.Err() != nil:
		return stdout, ctx.Err()
	case failed != nil:
		return stdout, &Error{
			Program: p, Late: limited.Err() != nil, Err: failed,
			Stderr: strings.TrimSpace(string(stderr)),
		}
	}
	if err = cmp.Or(err, wordsErr); err != nil {
		return nil, fmt.Errorf("reading the output of %s: %w", p.Name, err)
	}
	return stdout, nil
}

// contents returns everything in a file. Where the program has written last does not matter.
func contents(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, 0, info.Size()))
}
