package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// commands measures whole commands: their wall time, whether all runs pass, and for some the memory
// of the process that has the labs, which is the largest.
func (b *bench) commands() error {
	for _, c := range []struct {
		name string
		args []string
		// most and memory, in MB, are limits; 0 if none is set. before is an earlier figure.
		most   time.Duration
		memory float64
		before string
	}{
		{
			name: "1000 runs of " + trivialScenario,
			args: []string{trivialScenario, "--case", trivialCase, "--case", "v4", "--repeat", "1000"},
			most: 7 * time.Second, before: "12.6 s",
		},
		{
			name: "the whole library", most: 35 * time.Second, before: "56 s",
		},
		{
			name: "keepalive-default on both versions of IP, warped",
			args: []string{"keepalive-default"}, most: 4500 * time.Millisecond, before: "8.7 s",
		},
		{
			name: "500 labs at once, each with a connect() that takes 3 s",
			args: []string{b.file("hold.yaml"), "--jobs", "500", "--repeat", "500"},
			most: 25 * time.Second, memory: 250, before: "not measured",
		},
		{
			name:   "1000 labs at once",
			args:   []string{b.file("hold.yaml"), "--jobs", "1000", "--repeat", "1000"},
			before: "not measured",
		},
	} {
		b.head(c.name)
		cmd := exec.Command(b.halfopen, append([]string{"run"}, c.args...)...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		began := time.Now()
		err := cmd.Run()
		took := time.Since(began)
		fmt.Printf("  %s\n", lastLine(out.String()))
		b.figure("all pass", yesNo(err == nil), "yes", err == nil)
		if c.most > 0 {
			b.figure("wall time; before: "+c.before, sText(took), "<= "+sText(c.most), took <= c.most)
		} else {
			b.plain("wall time; before: "+c.before, sText(took))
		}
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && c.memory > 0 {
			rss := mb(usage.Maxrss * 1024)
			b.figure("RSS of the command at its peak", fmt.Sprintf("%.0f MB", rss),
				fmt.Sprintf("< %.0f MB", c.memory), rss < c.memory)
		}
		b.plain("processor time", sText(busy(cmd)))
	}
	return nil
}
