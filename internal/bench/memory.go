package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// memory is the peak memory of a process tree, in bytes, over a number of samples. parent is the RSS
// of its first process.
type memory struct {
	pss, rss, parent int64
	samples          int
}

// pause is the time between two samples of the process tree. A trivial run takes some 100 ms.
const pause = 3 * time.Millisecond

// sampled runs the command and samples its process tree until it ends. The memory is also returned if
// the command fails.
func sampled(cmd *exec.Cmd) (memory, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return memory{}, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var peak memory
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return peak, fmt.Errorf("running %s: %w\n%s", cmd.Path, err, out.Bytes())
			}
			if peak.samples == 0 {
				return memory{}, fmt.Errorf("%s ended before it could be sampled", cmd.Path)
			}
			return peak, nil
		case <-ticker.C:
			var pss, rss int64
			for _, pid := range tree(cmd.Process.Pid) {
				p, r := usage(pid)
				pss, rss = pss+p, rss+r
				if pid == cmd.Process.Pid {
					peak.parent = max(peak.parent, r)
				}
			}
			if pss > 0 {
				peak.samples++
			}
			peak.pss, peak.rss = max(peak.pss, pss), max(peak.rss, rss)
		}
	}
}

// tree returns the process and its descendants. Processes that end meanwhile are left out.
func tree(pid int) []int {
	pids := []int{pid}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				pids = append(pids, tree(n)...)
			}
		}
	}
	return pids
}

// usage reads the PSS and RSS of a process in bytes: proc_pid_smaps(5), smaps_rollup. Both are 0
// for a process that has ended.
func usage(pid int) (pss, rss int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "Pss:":
			pss = n << 10
		case "Rss:":
			rss = n << 10
		}
	}
	return pss, rss
}
