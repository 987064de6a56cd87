package harness_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
)

// stopActor stops the one actor of the lab that this process runs, once it sleeps, and returns its
// process.
func stopActor(t *testing.T, before []int) int {
	t.Helper()
	for _, lab := range childrenOf(os.Getpid()) {
		if slices.Contains(before, lab) {
			continue
		}
		for _, pid := range childrenOf(lab) {
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if err != nil || !strings.HasPrefix(string(line), "halfopen-actor") {
				continue
			}
			for deadline := time.Now().Add(10 * time.Second); !sleeps(pid); {
				if time.Now().After(deadline) {
					t.Errorf("no thread of process %d is in clock_nanosleep", pid)
					return pid
				}
				runtime.Gosched()
			}
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Errorf("stopping process %d: %v", pid, err)
			}
			return pid
		}
	}
	t.Error("no process of an actor was found")
	return 0
}

// sleeps reports whether a thread of a process is in the system call of the step sleep.
func sleeps(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		if number, _, _ := strings.Cut(string(text), " "); number == strconv.Itoa(unix.SYS_CLOCK_NANOSLEEP) {
			return true
		}
	}
	return false
}

// A signal from outside that stops an actor makes it late, and nothing of TCP's.
func TestAStoppedActorIsLate(t *testing.T) {
	needLab(t)
	const stopped = time.Second
	s := only(t, `
name: stopped-actor
title: An actor that somebody stops
deadline: 5s
hosts: {client: {}}
actors:
  client: [{sleep: 500ms}, socket: tcp, {close: , id: again}]
expect:
  - {step: client.sleep, took: 500ms}
  - {step: client.again, error: EBADF}
`)[0]
	before := childrenOf(os.Getpid())
	var going sync.WaitGroup
	tr, err := harness.Run(t.Context(), s, harness.Options{Emit: func(e trace.Event) {
		if e.Start == nil || e.Start.Step != "sleep" {
			return
		}
		pid := stopActor(t, before)
		going.Go(func() {
			<-time.After(stopped)
			if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
				t.Errorf("letting process %d go on: %v", pid, err)
			}
		})
	}})
	going.Wait()
	if err != nil {
		t.Fatal(err)
	}
	var late []trace.PartLate
	for _, p := range tr.Lateness().Parts {
		if p.Part == trace.LateStop {
			late = append(late, p)
		}
	}
	if len(late) != 1 || late[0].Name != "client" || late[0].N != 1 || late[0].Worst < stopped/2 {
		t.Errorf("the trace has the stops %+v, want one of client of some %s", late, stopped)
	}
	verdicts := assertions.Check(s, tr)
	if v := &verdicts[0]; v.Status != assertions.Inconclusive ||
		!regexp.MustCompile(`^actor client was stopped for [\d.]+m?s$`).MatchString(v.Because) {
		t.Errorf("%s: %s because %q, want inconclusive because the actor was stopped\n%s",
			v.Title, v.Status, v.Because, v.Reason)
	}
	// It is wrong whether or not the actor was stopped.
	if v := &verdicts[1]; v.Status != assertions.Fail ||
		!slices.ContainsFunc(v.Notes, func(n string) bool { return strings.HasPrefix(n, "actor client was stopped for ") }) {
		t.Errorf("%s: %s with the notes %q, want fail and that the actor was stopped\n%s",
			v.Title, v.Status, v.Notes, v.Reason)
	}
}

// Of an actor that does not go on, nothing can be judged.
func TestAnActorThatStaysStoppedBreaksTheRunOff(t *testing.T) {
	needLab(t)
	s := only(t, `
name: stopped-actor
title: An actor that somebody stops
deadline: 2s
hosts: {client: {}}
actors:
  client: [sleep: 1s]
expect:
  - {step: client.sleep}
`)[0]
	before := childrenOf(os.Getpid())
	_, err := harness.Run(t.Context(), s, harness.Options{Emit: func(e trace.Event) {
		if e.Start != nil && e.Start.Step == "sleep" {
			stopActor(t, before)
		}
	}})
	want := regexp.MustCompile(`^the process of actor client was stopped by a signal for the last [\d.]+m?s of the run, and no kill step did that$`)
	if err == nil || !want.MatchString(err.Error()) {
		t.Errorf("Run returns %v\nwant a match of %s", err, want)
	}
}

// A kill step that stops an actor is part of the scenario: its time is no lateness.
func TestAnActorThatAKillStepStopsIsNotLate(t *testing.T) {
	needLab(t)
	s := only(t, `
name: stopped-actor
title: An actor that another one stops
deadline: 5s
hosts: {client: {}, server: {}}
actors:
  server: [sleep: 600ms]
  client:
    - {sleep: 300ms, after: server.sleep.start}
    - kill: {actor: server, signal: STOP}
    - {sleep: 1s, id: stopped}
    - {kill: {actor: server, signal: CONT}, id: again}
expect:
  - {step: server.sleep, took: 600ms}
`)[0]
	tr, err := harness.Run(t.Context(), s, harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(tr.Events, func(e trace.Entry) bool {
		return e.Late != nil && e.Late.Part == trace.LateStop
	}); i >= 0 {
		t.Errorf("the trace has the stop %+v", tr.Events[i].Late)
	}
	if v := assertions.Check(s, tr)[0]; v.Status != assertions.Fail {
		t.Errorf("%s: %s, want fail\n%s", v.Title, v.Status, v.Reason)
	}
}
