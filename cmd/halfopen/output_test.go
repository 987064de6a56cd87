package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// refusing is an output that takes some bytes and then only returns an error.
type refusing struct {
	room int
	err  error
}

func (w *refusing) Write(text []byte) (int, error) {
	if len(text) <= w.room {
		w.room -= len(text)
		return len(text), nil
	}
	n := w.room
	w.room = 0
	return n, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: w.err}
}

// printing has arguments for each command, with which it needs no lab and succeeds.
var printing = map[string][]string{
	"halfopen":             {},
	"halfopen check":       {"connect-refused"},
	"halfopen help":        {"check"},
	"halfopen inspect":     {"testdata/stored/base64-source"},
	"halfopen kernel":      {},
	"halfopen kernel get":  {"--help"},
	"halfopen kernel list": {"--help"},
	"halfopen list":        {"handshake"},
	"halfopen merge":       {"--help"},
	"halfopen rerun":       {"--help"},
	"halfopen run":         {"--help"},
	"halfopen try":         {"--help"},
	"halfopen shell":       {"--help"},
	"halfopen enter":       {"--help"},
	"halfopen fault":       {},
	"halfopen fault add":   {"--help"},
	"halfopen fault list":  {"--help"},
	"halfopen fault off":   {"--help"},
	"halfopen fault on":    {"--help"},
	"halfopen doctor":      {"--help"},
	"halfopen schema":      {},
	"halfopen show":        {"connect-refused"},
	"halfopen version":     {},

	"halfopen completion":            {},
	"halfopen completion bash":       {},
	"halfopen completion fish":       {},
	"halfopen completion powershell": {},
	"halfopen completion zsh":        {},
}

func TestNoCommandSucceedsWhoseOutputIsLost(t *testing.T) {
	eachCommand(t, func(t *testing.T, path string, args []string) {
		for _, room := range []int{0, 10} {
			var errs bytes.Buffer
			status := execute(args, &refusing{room, syscall.ENOSPC}, &errs)
			want := "halfopen: writing the output: write /dev/stdout: " + syscall.ENOSPC.Error() + "\n"
			if status != statusUsage || errs.String() != want {
				t.Errorf("%s with room for %d bytes: status %d and %q, want %d and %q",
					path, room, status, errs.String(), statusUsage, want)
			}
		}
		var errs bytes.Buffer
		if status := execute(args, io.Discard, &errs); status != statusPassed || errs.Len() > 0 {
			t.Errorf("%s with room for all: status %d and %q", path, status, errs.String())
		}
	})
}

// A reader that ended, such as head, has what it wanted.
func TestAClosedPipeNeedsNoMessage(t *testing.T) {
	eachCommand(t, func(t *testing.T, path string, args []string) {
		var errs bytes.Buffer
		if status := execute(args, &refusing{0, syscall.EPIPE}, &errs); status == statusPassed || errs.Len() > 0 {
			t.Errorf("%s: status %d and %q", path, status, errs.String())
		}
	})
}

// eachCommand calls a function with each command and its arguments.
func eachCommand(t *testing.T, try func(*testing.T, string, []string)) {
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	left := len(printing)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		args, known := printing[path]
		if !known {
			t.Errorf("no arguments for %s", path)
		}
		left--
		args = append(strings.Fields(path)[1:], args...)
		if cmd.Annotations["system"] == "" || runtime.GOOS == "linux" {
			t.Run(path, func(t *testing.T) { try(t, path, args) })
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root)
	if left != 0 {
		t.Errorf("%d commands of the test do not exist", left)
	}
}

// What else a command has to say is not lost with the output.
func TestLostOutputHidesNoOtherError(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	const writing = "writing the output: write /dev/stdout: "
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"no other error":        {nil, writing},
		"one already printed":   {&statusError{status: statusFailed}, writing},
		"that of the write":     {full, writing},
		"one of something else": {errors.New("other"), "other\n" + writing},
	} {
		t.Run(name, func(t *testing.T) {
			err := lost(full, test.err)
			if want := test.want + syscall.ENOSPC.Error(); err.Error() != want || statusOf(err) != statusUsage {
				t.Errorf("%q, status %d; want %q, status %d", err, statusOf(err), want, statusUsage)
			}
		})
	}
}
