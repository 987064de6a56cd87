package vm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/inject"
)

func TestWarpedTimeIsRightAndRepeats(t *testing.T) {
	needMachine(t)
	var traces []*trace.Trace
	for range 2 {
		a := trial(mustParse(silent))
		began := time.Now()
		if err := a.run(t.Context(), Options{Warp: true, AtOnce: 1}); err != nil {
			t.Fatal(err)
		}
		if a.err != nil {
			t.Fatal(a.err)
		}
		for _, v := range assertions.Check(a.scenario, a.trace) {
			if v.Status != assertions.Pass {
				t.Errorf("%s: %s", v.Title, v.Reason)
			}
		}
		if !a.began || a.events != len(a.trace.Events) {
			t.Errorf("began: %t; %d events were reported, %d are in the trace", a.began, a.events, len(a.trace.Events))
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("127 s of warped time took %s", took)
		}
		traces = append(traces, a.trace)
	}
	sameTimes(t, traces[0], traces[1])
}

// sameTimes compares two traces of the same run in warped time. As a rule they are identical to the
// last bit, but now and then QEMU counts some instructions twice, and times differ by some
// nanoseconds: by up to 76 so far.
func sameTimes(t *testing.T, a, b *trace.Trace) {
	t.Helper()
	const slack = time.Microsecond
	if len(a.Events) != len(b.Events) {
		t.Fatalf("%d events, and %d the second time", len(a.Events), len(b.Events))
	}
	exact := 0
	for i := range a.Events {
		x, y := &a.Events[i], &b.Events[i]
		if x.Kind() != y.Kind() || (x.T-y.T).Abs() > slack {
			t.Fatalf("event %d is %s at %s, and %s at %s the second time", i, x.Kind(), x.T, y.Kind(), y.T)
		}
		if x.IsPacket() && !bytes.Equal(x.Packet().Frame, y.Packet().Frame) {
			t.Errorf("event %d is another packet the second time", i)
		}
		if x.T == y.T {
			exact++
		}
	}
	t.Logf("%d of %d events have the same nanosecond", exact, len(a.Events))
}

func TestGuestThatLacksMemoryShowsItsConsole(t *testing.T) {
	needMachine(t)
	a := trial(mustParse(silent))
	err := a.run(t.Context(), Options{Warp: true, AtOnce: 1, Memory: 48})
	var missing *inject.MissingError
	if !errors.As(err, &missing) || a.err == nil || !strings.Contains(err.Error(), "console") {
		t.Fatalf("a guest with 48 MiB ended with %v, its run with %v", err, a.err)
	}
}

func TestKernelThatDoesNotBootIsMissing(t *testing.T) {
	k := needMachine(t)
	image, err := os.ReadFile(k.Image)
	if err != nil {
		t.Fatal(err)
	}
	k.Image = filepath.Join(t.TempDir(), "vmlinuz")
	if err := os.WriteFile(k.Image, image[:len(image)/3], 0o644); err != nil {
		t.Fatal(err)
	}
	a := trial(mustParse(silent))
	err = a.run(t.Context(), Options{Kernel: k, Warp: true, AtOnce: 1})
	var missing *inject.MissingError
	if !errors.As(err, &missing) || missing.Feature != "a guest that comes up with "+k.Image || !errors.As(a.err, &missing) {
		t.Fatalf("a third of a kernel ended with %v, its run with %v", err, a.err)
	}
}

func TestCanceledRunsLeaveNoMachine(t *testing.T) {
	needMachine(t)
	ctx, cancel := context.WithCancel(t.Context())
	a := trial(mustParse(silent))
	time.AfterFunc(500*time.Millisecond, cancel)
	if err := a.run(ctx, Options{}); !errors.Is(err, context.Canceled) || !errors.Is(a.err, context.Canceled) {
		t.Errorf("canceled: %v, its run: %v", err, a.err)
	}
	if left := machinesOf(t, os.Getpid()); len(left) > 0 {
		t.Errorf("QEMU still runs: %v", left)
	}
}

// TestKilledCommandLeavesNoMachine kills, by SIGKILL, the program that runs a machine.
func TestKilledCommandLeavesNoMachine(t *testing.T) {
	needMachine(t)
	temporary := t.TempDir()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), runEnv+"=1", "TMPDIR="+temporary)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var machines []int
	within(t, "QEMU to be started", func() bool {
		machines = machinesOf(t, cmd.Process.Pid)
		return len(machines) > 0
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, as intended
	within(t, "QEMU to be gone", func() bool { return unix.Kill(machines[0], 0) == unix.ESRCH })
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for began := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// machinesOf returns the QEMU processes started by a process.
func machinesOf(t *testing.T, pid int) []int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/children"))
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, path := range files {
		children, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range strings.Fields(string(children)) {
			name, err := os.ReadFile(filepath.Join("/proc", word, "comm"))
			if err == nil && strings.HasPrefix(string(name), "qemu") {
				child, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, child)
			}
		}
	}
	return found
}

func TestWithoutQEMUTheRemedyIsNamed(t *testing.T) {
	k := needMachine(t)
	t.Setenv("PATH", t.TempDir())
	a := trial(mustParse(silent))
	err := a.run(t.Context(), Options{Kernel: k, Warp: true})
	var missing *inject.MissingError
	if !errors.As(err, &missing) || missing.Feature != "the program "+Emulator || !strings.Contains(missing.Remedy, "apt-get install") {
		t.Errorf("got %v", err)
	}
}
