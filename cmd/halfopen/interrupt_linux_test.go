package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Where a command has nothing to put in order, the first Ctrl-C ends it at once: also one that waits
// for its input.
func TestCtrlCEndsACommandThatReads(t *testing.T) {
	for _, args := range []string{"check -", "show -", "run -"} {
		t.Run(args, func(t *testing.T) {
			cmd := exec.Command("halfopen", strings.Fields(args)...)
			cmd.Stderr = os.Stderr
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			// A pipe holds 64 KiB: more is written only once the command reads.
			if _, err := io.WriteString(in, strings.Repeat("#", 100<<10)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) {
				t.Fatalf("ended with %v", err)
			}
			if status := exit.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGINT {
				t.Errorf("ended by %v, exit status %d; want SIGINT", status.Signal(), status.ExitStatus())
			}
		})
	}
}

func TestPipesAndDevicesAreRefused(t *testing.T) {
	pipe := t.TempDir() + "/pipe.yaml"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{pipe: "pipe", "/dev/zero": "device"} {
		_, err := find(path)
		want := "reading the scenario: " + path + " is a " + kind + ", not a file; for the standard input, write -"
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
