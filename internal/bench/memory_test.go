package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestTreeFindsGrandchildren(t *testing.T) {
	// The shell prints "up" once its child, another shell, runs. Both live until stdin is closed.
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

// A run that fails on a busy machine has a peak, too.
func TestThePeakOfACommandThatFails(t *testing.T) {
	peak, err := sampled(exec.Command("sh", "-c", "sleep 0.3; exit 1"))
	if !failed(err) {
		t.Errorf("the error is %v, want that of exit status 1", err)
	}
	if peak.pss <= 0 || peak.parent <= 0 || peak.samples == 0 {
		t.Errorf("the peak is %+v", peak)
	}
}
