package program

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func sh(script string, limit time.Duration) Program {
	return Program{Name: "sh", Args: []string{"-c", script}, Limit: limit}
}

func TestRun(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	for _, tt := range []struct {
		name   string
		run    Program
		stdout string
		err    string
	}{
		{name: "it ends", run: sh("echo out; echo err >&2", time.Minute), stdout: "out\n"},
		{
			name: "it fails with several lines", stdout: "out\n",
			run: sh("echo out; echo first >&2; echo last >&2; exit 3", time.Minute),
			err: "sh -c echo out; echo first >&2; echo last >&2; exit 3: exit status 3: last",
		},
		{name: "it leaves a process that holds its output", run: sh("echo out; sleep 40 &", time.Minute), stdout: "out\n"},
		{
			name: "it writes much", run: sh("head -c 300000 /dev/zero | tr '\\0' x", time.Minute),
			stdout: strings.Repeat("x", 300_000),
		},
		{
			name: "it is not there", run: Program{Name: "halfopen-unknown", Limit: time.Minute},
			err: `halfopen-unknown: exec: "halfopen-unknown": executable file not found in $PATH`,
		},
		{
			name: "it hangs, with a child", stdout: "out\n",
			run: sh("echo out; sleep 60; :", 300*time.Millisecond),
			err: "sh -c echo out; sleep 60; : did not end within 300ms and was killed",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			began := time.Now()
			out, err := tt.run.Run(t.Context())
			if string(out) != tt.stdout {
				t.Errorf("it wrote %q, want %q", out, tt.stdout)
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != tt.err {
				t.Errorf("the error is %q\nwant         %q", text, tt.err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestAFailureHasItsExitStatus(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	_, err := sh("exit 4", time.Minute).Run(t.Context())
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 4 {
		t.Errorf("the error is %v, want exit status 4", err)
	}
}

func TestACanceledRunIsNoFailureOfTheProgram(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell here")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sh("sleep 60", time.Minute).Run(ctx)
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "sh") {
		t.Errorf("the error is %v, want only %v", err, context.Canceled)
	}
}
