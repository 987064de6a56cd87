package result

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func repeated(t *testing.T) *language.Scenario {
	t.Helper()
	f, err := language.Parse("a.yaml", []byte(`
name: a
title: Steps and programs with times
hosts: {client: {}, server: {}}
actors:
  server:
    - start: {command: [srv], ready: {listens: 80}}
  client:
    - sleep: 1ms
      times: 2
    - id: quick
      sleep: 1ms
    - exec: {command: ["true"]}
expect:
  - {step: client.sleep, took: 1ms}
  - {step: "client.sleep[2]", took: 1ms}
  - {step: client.sleep, took: ">= 0s"}
  - {step: client.quick}
  - {step: server.start, took: "< 1s"}
  - {process: server.start, took: "< 2s"}
  - {process: client.exec, took: "< 3s"}
  - {process: client, took: "< 4s"}
`))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cases[0]
}

// The times of a run are those that its expectations judge, each step and process once.
func TestTimesOfRepetitions(t *testing.T) {
	s := repeated(t)
	const ms = time.Millisecond
	step := func(actor, id string, n int, began, took time.Duration) trace.Event {
		return trace.Event{T: began + took, Step: &trace.Step{Actor: actor, ID: id, Op: "sleep", N: n, Began: began}}
	}
	program := func(at time.Duration, actor, id string, what trace.ProgramChange) trace.Event {
		return trace.Event{T: at, Program: &trace.Program{Actor: actor, Step: id, N: 1, What: what, PID: 7, Beside: true}}
	}
	failed := step("client", "sleep", 3, 20*ms, 9*ms)
	failed.Step.Problem = "the lab broke"
	tr := trace.Of(
		program(1*ms, "server", "start", trace.ProgramStarted),
		step("server", "start", 1, 0, 5*ms),
		trace.Event{T: 10 * ms, Start: &trace.Start{}},
		step("client", "sleep", 1, 10*ms, 2*ms),
		step("client", "sleep", 2, 12*ms, 3*ms),
		step("client", "quick", 1, 15*ms, 4*ms),
		step("client", "exec", 1, 20*ms, 6*ms),
		failed,
		trace.Event{T: 30 * ms, Process: &trace.Process{Actor: "client"}},
		program(41*ms, "server", "start", trace.ProgramEnded),
	)
	r := NewRepetitions(Run{Scenario: s})
	r.Add(&Result{Run: Run{Scenario: s, N: 1}, Status: Pass, Trace: tr})
	r.Add(&Result{Run: Run{Scenario: s, N: 2}, Status: Canceled, Trace: tr})
	r.Add(&Result{Run: Run{Scenario: s, N: 3}, Status: Error, Err: errors.New("no trace")})
	var got []string
	for _, sp := range r.Times() {
		got = append(got, fmt.Sprintf("%s %d: %s to %s", sp.Of, sp.N, sp.Min, sp.Max))
	}
	want := []string{
		"client.sleep 2: 2ms to 3ms", "client.sleep[2] 1: 3ms to 3ms", "server.start 1: 5ms to 5ms",
		"process server.start 1: 40ms to 40ms", "process client.exec 1: 6ms to 6ms",
		"process client 1: 20ms to 20ms",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The first failure is the one with the lowest number, whatever ended first.
func TestTheFirstRepetitionThatFailed(t *testing.T) {
	s := repeated(t)
	r := NewRepetitions(Run{Scenario: s, Seed: 7})
	statuses := []Status{Pass, Inconclusive, Skip, Fail, Pass, Error, Canceled, Fail}
	var all sync.WaitGroup
	for i, status := range slices.Backward(statuses) {
		all.Go(func() {
			r.Add(&Result{Run: Run{Scenario: s, N: i + 1, Seed: 7 + uint64(i)}, Status: status})
		})
	}
	all.Wait()
	if r.Failed == nil || r.Failed.N != 4 || r.Failed.Seed != 10 {
		t.Errorf("the first that failed is %+v", r.Failed)
	}
	if r.Tally.Runs() != 7 || r.Tally.With(Fail) != 2 || r.Tally.With(Pass) != 2 {
		t.Errorf("%d runs, %d failed, %d passed", r.Tally.Runs(), r.Tally.With(Fail), r.Tally.With(Pass))
	}
	if times := r.Times(); len(times) != 0 {
		t.Errorf("times of runs without a trace: %v", times)
	}
}
