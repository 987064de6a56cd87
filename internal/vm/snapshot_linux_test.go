package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/inject"
)

// emptyCache gives the test a cache with the same kernels and without snapshots, and returns the
// directory of its snapshots.
func emptyCache(t *testing.T) (snapshots string) {
	t.Helper()
	dir := t.TempDir()
	if err := linkKernels(dir); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", dir)
	return filepath.Join(dir, "halfopen", "guests")
}

// warpedStages runs the scenario in warped time. It returns how often each stage was reached, and
// all warnings.
func warpedStages(t *testing.T, k Kernel) (seen map[string]int, warning error) {
	t.Helper()
	seen = map[string]int{}
	stages := make(chan string, 100)
	a := trial(mustParse(silent))
	err := a.run(t.Context(), Options{
		Kernel: k, Warp: true, AtOnce: 1,
		Stage: func(s string) { stages <- s },
		Warn:  func(err error) { warning = errors.Join(warning, err) },
	})
	if err != nil || a.err != nil {
		t.Fatal(err, a.err)
	}
	close(stages)
	for s := range stages {
		seen[s]++
	}
	return seen, warning
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestASecondGuestIsRestoredFromTheFirst(t *testing.T) {
	k := needMachine(t)
	dir := emptyCache(t)
	first, warning := warpedStages(t, k)
	if first["up"] != 1 || first["saved"] != 1 || first["restored"] != 1 || first["ready"] != 1 || warning != nil {
		t.Errorf("the first guest's stages: %v; %v", first, warning)
	}
	second, warning := warpedStages(t, k)
	if second["up"] != 0 || second["saved"] != 0 || second["restored"] != 1 || second["ready"] != 1 || warning != nil {
		t.Errorf("the second guest's stages: %v; %v", second, warning)
	}
	if list := entries(t, dir); len(list) != 1 {
		t.Errorf("snapshots: %v", list)
	}
}

func TestASnapshotThatIsDamagedIsLeftAndReplaced(t *testing.T) {
	k := needMachine(t)
	dir := emptyCache(t)
	_, _ = warpedStages(t, k)
	path := filepath.Join(dir, entries(t, dir)[0].Name())
	o := Options{Kernel: k}
	if err := os.Truncate(path, int64(o.memory())<<20+1000); err != nil {
		t.Fatal(err)
	}
	damaged, warning := warpedStages(t, k)
	if damaged["restored"] != 0 || damaged["up"] != 1 || damaged["ready"] != 1 {
		t.Errorf("with a damaged snapshot the guest's stages were %v, want a boot without a snapshot", damaged)
	}
	why := fmt.Sprint(warning)
	if !errors.Is(warning, errNoSnapshot) || strings.Count(why, errNoSnapshot.Error()) != 1 || strings.Contains(why, "killed") {
		t.Errorf("the warning is %v", warning)
	}
	if again, warning := warpedStages(t, k); again["saved"] != 1 || again["restored"] != 1 || warning != nil {
		t.Errorf("the next guest's stages: %v, want another snapshot; %v", again, warning)
	}
}

func TestWithoutACacheAGuestBootsAndTheReasonIsTold(t *testing.T) {
	k := needMachine(t)
	t.Setenv("XDG_CACHE_HOME", "/dev/null")
	seen, warning := warpedStages(t, k)
	if !errors.Is(warning, errNoSnapshot) || !errors.Is(warning, syscall.ENOTDIR) {
		t.Errorf("the warning is %v", warning)
	}
	if seen["up"] != 1 || seen["restored"] != 0 || seen["ready"] != 1 {
		t.Errorf("the guest's stages: %v, want a boot", seen)
	}
}

func TestASnapshotThatCannotBeKeptServesOnce(t *testing.T) {
	k := needMachine(t)
	dir := emptyCache(t)
	if err := os.Symlink("/proc/self/nowhere", dir); err != nil {
		t.Fatal(err)
	}
	seen, warning := warpedStages(t, k)
	if !errors.Is(warning, fs.ErrExist) { // mkdir of a symbolic link that leads nowhere
		t.Errorf("the warning is %v", warning)
	}
	if seen["up"] != 1 || seen["restored"] != 1 || seen["ready"] != 1 {
		t.Errorf("the guest's stages: %v, want one boot", seen)
	}
}

// TestKilledCommandLeavesNoHalfSnapshot kills, by SIGKILL, the program that takes a snapshot: while
// the guest boots, while the snapshot is copied into the cache, and after that.
func TestKilledCommandLeavesNoHalfSnapshot(t *testing.T) {
	k := needMachine(t)
	for name, tt := range map[string]struct {
		stage string
		kept  bool // kill it only when the cache has the snapshot
	}{
		"while the guest boots": {stage: "modules loaded"},
		"while it is copied":    {stage: "restored"},
		"when it is kept":       {stage: "restored", kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := emptyCache(t)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), runEnv+"=warped")
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			stages, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stages)
			reached := false
			for !reached && lines.Scan() {
				reached = lines.Text() == tt.stage
			}
			machines := machinesOf(t, cmd.Process.Pid)
			if tt.kept {
				within(t, "the snapshot to be kept", func() bool { return len(entries(t, dir)) == 1 })
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed, as intended
			if !reached || len(machines) != 1 {
				t.Fatalf("%q was reached: %t; machines: %v", tt.stage, reached, machines)
			}
			within(t, "QEMU to be gone", func() bool { return unix.Kill(machines[0], 0) == unix.ESRCH })
			kept := len(entries(t, dir))
			t.Logf("snapshots in the cache: %d", kept)
			if kept > 0 && tt.stage == "modules loaded" {
				t.Errorf("snapshots of a guest that has not been saved: %d", kept)
			}
			// A snapshot in the cache is complete.
			next, warning := warpedStages(t, k)
			if next["up"]+kept != 1 || next["restored"] != 1 || next["ready"] != 1 || warning != nil {
				t.Errorf("with %d snapshots in the cache the next guest's stages are %v; %v", kept, next, warning)
			}
		})
	}
}

// TestCanceledWarpedRunsLeaveNoMachine cancels while the snapshot is taken, before it is kept, and
// after a guest was restored from one.
func TestCanceledWarpedRunsLeaveNoMachine(t *testing.T) {
	k := needMachine(t)
	dir := emptyCache(t)
	cancelAt := func(stage string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		a := trial(mustParse(silent))
		err := a.run(ctx, Options{
			Kernel: k, Warp: true, AtOnce: 1,
			Stage: func(s string) {
				if s == stage {
					cancel()
				}
			},
			Warn: func(err error) { t.Errorf("canceled when %q, the warning is %v", stage, err) },
		})
		if !errors.Is(err, context.Canceled) || !errors.Is(a.err, context.Canceled) {
			t.Errorf("canceled when %q: %v, its run: %v", stage, err, a.err)
		}
		if left := machinesOf(t, os.Getpid()); len(left) > 0 {
			t.Errorf("canceled when %q, QEMU still runs: %v", stage, left)
		}
	}
	cancelAt("up")
	cancelAt("modules loaded")
	cancelAt("saved")
	if list := entries(t, dir); len(list) > 0 {
		t.Errorf("in the cache are %v", list)
	}
	_, _ = warpedStages(t, k)
	kept := entries(t, dir)
	cancelAt("restored")
	if after := entries(t, dir); len(kept) != 1 || len(after) != 1 || after[0].Name() != kept[0].Name() {
		t.Errorf("in the cache are %v, and %v when a restored guest was canceled", kept, after)
	}
}

// TestAWarpedMachineHasASessionAndAProcessorOfItsOwn looks at QEMU while the guest runs.
func TestAWarpedMachineHasASessionAndAProcessorOfItsOwn(t *testing.T) {
	k := needMachine(t)
	a := trial(mustParse(silent))
	machines := 0
	err := a.run(t.Context(), Options{Kernel: k, Warp: true, AtOnce: 1, Stage: func(stage string) {
		if stage != "restored" {
			return
		}
		for _, pid := range machinesOf(t, os.Getpid()) {
			if session, err := unix.Getsid(pid); err != nil || session != pid {
				t.Errorf("QEMU, the process %d, is in the session %d: %v", pid, session, err)
			}
			threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
			if err != nil || len(threads) < 2 {
				t.Errorf("the threads of QEMU are %v: %v", threads, err)
			}
			for _, thread := range threads {
				id, err := strconv.Atoi(filepath.Base(thread))
				if err != nil {
					t.Fatal(err)
				}
				var may unix.CPUSet
				if err := unix.SchedGetaffinity(id, &may); err != nil || may.Count() != 1 {
					t.Errorf("a thread of QEMU may be on %d processors: %v", may.Count(), err)
				}
			}
			machines++
		}
	}})
	if err != nil || a.err != nil || machines != 1 {
		t.Errorf("%d machines: %v, %v", machines, err, a.err)
	}
}

func TestACanceledSnapshotIsNotKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "guests")
	snapshot, err := memoryFile("guest", []byte("a guest"))
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := keepSnapshot(ctx, snapshot, filepath.Join(dir, "it")); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled, the error is %v", err)
	}
	if list := entries(t, dir); len(list) > 0 {
		t.Errorf("in the cache are %v", list)
	}
	if err := keepSnapshot(t.Context(), snapshot, filepath.Join(dir, "it")); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "it")); err != nil || string(data) != "a guest" {
		t.Errorf("kept is %q: %v", data, err)
	}
}

// A guest may have ended before all of its messages were read.
func TestSlowListenersHearAll(t *testing.T) {
	k := needMachine(t)
	s := mustParse(silent)
	var tasks []Task
	ended := 0
	for range 3 {
		tasks = append(tasks, Task{
			Scenario: s, Seed: 7, Began: func() {}, Emit: func(trace.Event) {},
			Ended: func(_ *trace.Trace, err error) {
				if err != nil {
					t.Errorf("run %d: %v", ended, err)
				}
				ended++
				within(t, "QEMU to be gone", func() bool { return len(machinesOf(t, os.Getpid())) == 0 })
			},
		})
	}
	if err := Do(t.Context(), tasks, Options{Kernel: k, Warp: true, AtOnce: len(tasks)}); err != nil || ended != len(tasks) {
		t.Errorf("%d of %d runs ended: %v", ended, len(tasks), err)
	}
}

func TestTheSnapshotsNotUsedForLongestMakeRoom(t *testing.T) {
	dir := t.TempDir()
	for i := range keptSnapshots + 2 {
		path := filepath.Join(dir, fmt.Sprint(i))
		write(t, path, nil)
		used := time.Now().Add(time.Duration(i-100) * time.Minute)
		if i == 0 {
			used = time.Now()
		}
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
	}
	makeRoom(dir)
	list := entries(t, dir)
	if len(list) != keptSnapshots-1 {
		t.Errorf("%d are left, want room for one beside %d", len(list), keptSnapshots-1)
	}
	if _, err := os.Stat(filepath.Join(dir, "0")); err != nil {
		t.Errorf("the one used last is gone: %v", err)
	}
}

func TestADiskWithoutRoomGetsNoSnapshot(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := haveRoom(f, 1<<60); err == nil {
		t.Error("a disk has room for 2^60 bytes")
	}
	if err := haveRoom(f, 1); err != nil {
		t.Error(err)
	}
}

func TestAnotherInitramfsKernelOrMemoryIsAnotherSnapshot(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	image, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write(t, image, []byte("kernel"))
	write(t, other, []byte("another"))
	seen := map[string]string{}
	for name, tt := range map[string]struct {
		o         Options
		initramfs string
	}{
		"one":               {Options{Kernel: Kernel{Image: image}}, "a"},
		"another initramfs": {Options{Kernel: Kernel{Image: image}}, "b"},
		"another kernel":    {Options{Kernel: Kernel{Image: other}}, "a"},
		"another memory":    {Options{Kernel: Kernel{Image: image}, Memory: 512}, "a"},
	} {
		for range 2 {
			path, err := tt.o.snapshotPath("/proc/self/exe", tt.initramfs)
			if err != nil {
				t.Fatal(err)
			}
			if before, ok := seen[path]; ok && before != name {
				t.Errorf("%s has the snapshot of %s", name, before)
			}
			seen[path] = name
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d snapshots for 4 guests", len(seen))
	}
}

func TestAGuestThatDoesNotComeUpIsNotBootedTwice(t *testing.T) {
	k := needMachine(t)
	emptyCache(t)
	booted := make(chan string, 100)
	a := trial(mustParse(silent))
	err := a.run(t.Context(), Options{Kernel: k, Warp: true, Memory: 48, Stage: func(s string) { booted <- s }})
	var missing *inject.MissingError
	if !errors.As(err, &missing) {
		t.Errorf("a guest with 48 MiB ended with %v", err)
	}
	close(booted)
	starts := 0
	for s := range booted {
		if s == "started" {
			starts++
		}
	}
	if starts != 1 {
		t.Errorf("QEMU was started %d times", starts)
	}
}
