package harness_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// A lab whose PID 1 is stopped does not answer, whatever it was doing. Its parent kills it.
func TestAStoppedLabIsKilled(t *testing.T) {
	needLab(t)
	s := only(t, `
name: stopped
title: A lab that somebody stops
deadline: 500ms
hosts: {client: {}, server: {}}
actors:
  server: [{listen: 80}, accept, recv]
  client: [{connect: "server:80"}, {sleep: 10s}]
expect:
  - {step: client.connect}
`)[0]
	for _, tt := range []struct {
		name string
		at   func(*trace.Event) bool
		want string
	}{
		{
			"while it is built",
			func(e *trace.Event) bool { return e.Run != nil },
			`^the lab of stopped was killed: it did not answer for 4s while it was being built \(.+\); its PID 1 is stopped$`,
		},
		{
			"while its actors run",
			func(e *trace.Event) bool { return e.Start != nil && e.Start.Step == "sleep" },
			`^the lab of stopped was killed: it did not end within 2s after its deadline of 500ms \(running the actors\); its PID 1 is stopped$`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := runStopped(t, t.Context(), s, func(e *trace.Event, stop func()) {
				if tt.at(e) {
					stop()
				}
			})
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("Run returns %v\nwant a match of %s", err, tt.want)
			}
		})
	}
	t.Run("and the run is canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := runStopped(t, ctx, s, func(e *trace.Event, stop func()) {
			if e.Start != nil && e.Start.Step == "sleep" {
				stop()
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run returns %v, want %v", err, context.Canceled)
		}
	})
}

// runStopped runs a lab. at may stop its PID 1 at an event. No process of it is left.
func runStopped(
	t *testing.T, ctx context.Context, s *language.Scenario,
	at func(e *trace.Event, stop func()),
) error {
	t.Helper()
	before := childrenOf(os.Getpid())
	var family []int
	stop := func() {
		for _, pid := range childrenOf(os.Getpid()) {
			if slices.Contains(before, pid) {
				continue
			}
			family = append(family, descendants(pid)...)
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Errorf("stopping process %d: %v", pid, err)
			}
		}
	}
	_, err := harness.RunHurried(ctx, s,
		harness.Options{Emit: func(e trace.Event) { at(&e, stop) }})
	if len(family) == 0 {
		t.Error("no process was stopped")
	}
	for _, pid := range family {
		if name, runs := processName(pid); runs {
			t.Errorf("process %d (%s) outlived its lab", pid, name)
		}
	}
	return err
}

// A run whose processes were all stopped over its deadline says how late it ended: nothing in it had
// its time.
func TestALabThatWasStoppedEndsLate(t *testing.T) {
	needLab(t)
	s := only(t, `
name: frozen
title: A lab that somebody stops for a while
deadline: 500ms
hosts: {client: {}, server: {}}
actors:
  client: [{sleep: 100ms}, {connect: "server:80"}]
expect:
  - {step: client.connect, error: ECONNREFUSED}
`)[0]
	before := childrenOf(os.Getpid())
	var goesOn *time.Timer
	stop := func() {
		var family []int
		for _, pid := range childrenOf(os.Getpid()) {
			if !slices.Contains(before, pid) {
				family = append(family, pid)
				family = append(family, descendants(pid)...)
			}
		}
		for _, pid := range family {
			_ = syscall.Kill(pid, syscall.SIGSTOP) // a program of the building may have ended
		}
		goesOn = time.AfterFunc(1200*time.Millisecond, func() {
			for _, pid := range family {
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
		})
	}
	got, err := harness.RunHurried(t.Context(), s, harness.Options{Emit: func(e trace.Event) {
		if e.Start != nil && e.Start.Step == "sleep" && goesOn == nil {
			stop()
		}
	}})
	if goesOn == nil {
		t.Fatalf("the actor never began: %v", err)
	}
	if end, _ := got.End(); err != nil || end == nil || end.Reason != trace.EndDeadline {
		t.Fatalf("it ended by %+v, %v; want its deadline", end, err)
	}
	const least = 500 * time.Millisecond // of the 700 ms or so
	i := slices.IndexFunc(got.Lateness().Parts, func(p trace.PartLate) bool { return p.Part == trace.LateEnd })
	if i < 0 || got.Lateness().Parts[i].Worst < least {
		t.Errorf("late were %+v, want the end by at least %v", got.Lateness().Parts, least)
	}
}
