package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []time.Duration
		want time.Duration
	}{
		{"one", []time.Duration{7}, 7},
		{"odd, unsorted", []time.Duration{9, 1, 5}, 5},
		{"even is the middle of the two", []time.Duration{8, 2, 4, 100}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := median(tt.in); got != tt.want {
				t.Errorf("median(%v) = %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}

func TestTreeFindsGrandchildren(t *testing.T) {
	// The shell says "up" once its own child, another shell, runs; both live until stdin is closed.
	cmd := exec.Command("sh", "-c", `sh -c 'echo up; cat; :'; :`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	pids := tree(os.Getpid())
	if !slices.Contains(pids, cmd.Process.Pid) || len(pids) < 3 {
		t.Errorf("tree of this process = %v, want it with %d and a child of that", pids, cmd.Process.Pid)
	}
	if pss, rss := usage(cmd.Process.Pid); pss <= 0 || rss < pss {
		t.Errorf("usage of a living process = %d PSS, %d RSS", pss, rss)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}
