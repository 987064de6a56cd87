package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// large measures runs that have very many packets, and commands that have very many runs. The
// figures in parentheses are those of the version before memory was bounded.
func (b *bench) large() error {
	b.head("64 MB from host to host, captured and stored")
	if err := b.transfer(); err != nil {
		return err
	}
	b.head("peak memory of the parent in one command with very many runs")
	for _, many := range []struct {
		name string
		args []string
	}{
		{"10 000 runs of " + trivialScenario, []string{trivialScenario, "--case", trivialCase, "--case", "v4", "--repeat", "10000"}},
		{"500 runs of loss-recovered", []string{"loss-recovered", "--case", "v4", "--repeat", "500"}},
	} {
		peak, err := sampled(exec.Command(b.halfopen, append([]string{"run"}, many.args...)...))
		if err != nil && !failed(err) {
			return err
		}
		b.figure(many.name, fmt.Sprintf("%.0f MB", mb(peak.parent)), "< 250 MB", mb(peak.parent) < 250)
	}
	b.head("a flood of a million SYNs, six million packets")
	began := time.Now()
	peak, err := sampled(exec.Command(b.halfopen, "run", b.file("flood.yaml")))
	if err != nil && !failed(err) {
		return err
	}
	b.plain("it passes", yesNo(err == nil))
	b.plain("wall time, sampled", sText(time.Since(began)))
	b.figure("peak memory of the process tree (8500 MB)", fmt.Sprintf("%.0f MB", mb(peak.pss)),
		"< 1000 MB", mb(peak.pss) < 1000)
	return nil
}

// transfer measures a run that moves 64 MB.
func (b *bench) transfer() error {
	const size = 64 << 20
	var walls []time.Duration
	var rates []float64
	var peak memory
	var stored int64
	for range b.repeat {
		dir, err := os.MkdirTemp(b.dir, "large-")
		if err != nil {
			return err
		}
		run := func(name, out string) *exec.Cmd {
			return exec.Command(b.halfopen, "run", b.file("large.yaml"), "--case", name, "--out",
				filepath.Join(dir, out))
		}
		wall, err := timed(run("plain", "timed"))
		if err != nil {
			return err
		}
		walls = append(walls, wall)
		one, err := sampled(run("plain", "sampled"))
		if err != nil {
			return err
		}
		peak.pss = max(peak.pss, one.pss)
		if stored, err = sizeOf(filepath.Join(dir, "timed")); err != nil {
			return err
		}
		if _, err := timed(run("queued", "queued")); err != nil {
			return err
		}
		t, err := storedTrace(filepath.Join(dir, "queued"))
		if err != nil {
			return err
		}
		for i := range t.Events {
			if s := t.Events[i].Step; s != nil && s.Op == "recv" {
				rates = append(rates, size/1e6/(t.Events[i].T-s.Began).Seconds())
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	const mostMemory, mostWall, mostStored, leastRate = 150.0, 1200 * time.Millisecond, 40.0, 200.0
	mib := float64(peak.pss) / (1 << 20)
	b.figure("peak memory of the process tree (846 MiB)", fmt.Sprintf("%.0f MiB", mib), "< 150 MiB",
		mib < mostMemory)
	b.figure("wall time, median (3.7 s)", sText(median(walls)), "< 1.2 s", median(walls) < mostWall)
	b.figure("stored evidence (690 MB)", fmt.Sprintf("%.1f MB", mb(stored)), "< 40 MB",
		mb(stored) < mostStored)
	rate := middle(rates)
	b.figure("throughput through a queue that selects nothing (160 MB/s)",
		fmt.Sprintf("%.0f MB/s", rate), ">= 200 MB/s", rate >= leastRate)
	return nil
}

// failed reports whether a command ended with the exit status of a run that failed, which it may do
// on a busy machine.
func failed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 1
}

// sizeOf returns the bytes of all files below a directory.
func sizeOf(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
