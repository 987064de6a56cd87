package harness_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
)

func TestWhenARunEnds(t *testing.T) {
	needLab(t)
	const scenario = `
name: ends
title: A run ends when its duration is over and only hangs are in progress
duration: 400ms
deadline: 2s
hosts: {client: {}, server: {}}
actors:
  server:
    - listen: 80
    - accept
    - SERVER
  client:
    - connect: "server:80"
    - CLIENT
expect:
  - EXPECT
  - {step: client.connect}
`
	for _, tt := range []struct {
		name                   string
		server, client, expect string
		reason                 trace.EndReason
		earliest               time.Duration
		fails                  bool
	}{
		{
			name:   "only a hang is left",
			server: "recv", client: "{sleep: 10ms}", expect: "{step: server.recv, hangs: true}",
			reason: trace.EndDuration, earliest: 400 * time.Millisecond,
		},
		{
			name:   "only a hang in a repeat is left",
			server: "{repeat: {times: 2, steps: [{sleep: 1ms}, {recv: , id: in}]}, id: loop}", client: "{sleep: 10ms}",
			expect: "{step: server.in, hangs: true}",
			reason: trace.EndDuration, earliest: 400 * time.Millisecond,
		},
		{
			name:   "another step takes longer",
			server: "recv", client: "{sleep: 800ms}", expect: "{step: server.recv, hangs: true}",
			reason: trace.EndDuration, earliest: 800 * time.Millisecond,
		},
		{
			name:   "all steps end before the duration",
			server: "{sleep: 1ms}", client: "{sleep: 10ms}", expect: "{step: server.sleep}",
			reason: trace.EndDone,
		},
		{
			name:   "the step that hangs is not expected to",
			server: "recv", client: "{sleep: 10ms}", expect: "{step: client.sleep}",
			reason: trace.EndDeadline, earliest: 2 * time.Second, fails: true,
		},
		{
			name:   "a step hangs that is expected to on another kernel",
			server: "recv", client: "{sleep: 10ms}",
			expect: "{step: server.recv, hangs: true, where: {no-sysctl: net.ipv4.tcp_syn_retries}}",
			reason: trace.EndDeadline, earliest: 2 * time.Second, fails: true,
		},
		{
			name:   "an actor waits for what never happens",
			server: "recv", client: "{sleep: 10ms, after: server.recv}",
			expect: "{step: server.recv, hangs: true}",
			reason: trace.EndDeadline, earliest: 2 * time.Second,
		},
		{
			name:   "the step that should hang ends",
			server: "{sleep: 50ms}", client: "{sleep: 10ms}", expect: "{step: server.sleep, hangs: true}",
			reason: trace.EndDone, fails: true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := only(t, strings.NewReplacer(
				"SERVER", tt.server, "CLIENT", tt.client, "EXPECT", tt.expect,
			).Replace(scenario))[0]
			tr, err := harness.Run(t.Context(), s, harness.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, v := range assertions.Check(s, tr) {
				if v.Status == assertions.Fail || v.Status == assertions.Inconclusive {
					failed = append(failed, v.Title+": "+v.Reason)
				}
			}
			if fails := len(failed) > 0; fails != tt.fails {
				t.Errorf("failed: %q, want a failure: %t", failed, tt.fails)
			}
			end, at := tr.End()
			if end.Reason != tt.reason || at-tr.Started() < tt.earliest {
				t.Errorf("the run ended (%s) after %v, want %s after %v",
					end.Reason, at-tr.Started(), tt.reason, tt.earliest)
			}
		})
	}
}

// A run ends early at whatever moment it is canceled, without waiting for its packets.
func TestACanceledRun(t *testing.T) {
	needLab(t)
	s := only(t, `
name: canceled
title: A run is canceled
duration: 20s
hosts: {client: {}, server: {}}
faults:
  slow: {match: {tcp: SYN, from: client}, do: {delay: 10s}, via: nfqueue}
actors:
  client:
    - connect: "server:80"
expect:
  - {step: client.connect, error: ECONNREFUSED}
`)[0]
	for _, tt := range []struct {
		name string
		at   func(*trace.Event) bool
		ends bool
	}{
		{"as it begins", func(e *trace.Event) bool { return e.Run != nil }, false},
		{
			"before its actors begin",
			func(e *trace.Event) bool { return e.Tracepoints != nil }, false,
		},
		{
			"while a packet is delayed",
			func(e *trace.Event) bool { return e.Fault != nil && e.Fault.What == trace.FaultHit }, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tr, err := harness.Run(ctx, s, harness.Options{
				Emit: func(e trace.Event) {
					if tt.at(&e) {
						cancel()
					}
				},
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run returns %v, want %v", err, context.Canceled)
			}
			switch end, _ := tr.End(); {
			case end == nil:
				if tt.ends {
					t.Error("the trace has no end")
				}
			case end.Reason != trace.EndCanceled:
				t.Errorf("the run ended (%s), want %s", end.Reason, trace.EndCanceled)
			}
		})
	}
}

// A complete trace is passed on once, before the lab has gone; one that breaks off or is canceled is
// not.
func TestComplete(t *testing.T) {
	needLab(t)
	const scenario = `
name: complete
title: A client sleeps
hosts: {client: {}}
actors:
  client:
    - sleep: 10ms
    - STEP
expect:
  - {step: client.sleep}
`
	for _, tt := range []struct {
		name, step string
		cancel     bool
		complete   int
	}{
		{name: "a run that ends", step: "{sleep: 1ms, id: last}", complete: 1},
		{name: "a run that is canceled", step: "{sleep: 60s, id: last}", cancel: true},
		{name: "a run that breaks off", step: "{exec: 'kill -9 $PPID', id: last}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := only(t, strings.Replace(scenario, "STEP", tt.step, 1))[0]
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var complete []*trace.Trace
			tr, err := harness.Run(ctx, s, harness.Options{
				Emit: func(e trace.Event) {
					if tt.cancel && e.Step != nil {
						cancel()
					}
				},
				Complete: func(tr *trace.Trace) {
					if end, _ := tr.End(); end == nil {
						t.Error("the complete trace has no end")
					}
					complete = append(complete, tr)
				},
			})
			if (err == nil) != (tt.complete > 0) {
				t.Errorf("Run returns %v", err)
			}
			if len(complete) != tt.complete || tt.complete > 0 && complete[0] != tr {
				t.Errorf("complete traces: %d, want %d, the one returned", len(complete), tt.complete)
			}
		})
	}
}

// A program that goes on sending meets the faults while the lab is taken down. That is no part of
// the run any more.
func TestNothingHappensAfterTheEnd(t *testing.T) {
	needLab(t)
	s := only(t, `
name: goes-on
title: A client sends until the deadline
deadline: 300ms
hosts: {client: {}, server: {}}
faults:
  lost: {match: {udp: any, from: client}, do: drop, via: nfqueue}
actors:
  client:
    - socket: udp
    - connect: "server:9"
    - repeat: {times: 100000, steps: [{send: x, id: send}]}
expect:
  - {fault: lost, hits: ">= 1"}
`)[0]
	tr, err := harness.Run(t.Context(), s, harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := tr.End(); end == nil || end.Reason != trace.EndDeadline {
		t.Fatalf("the run ended (%+v), want %s", end, trace.EndDeadline)
	}
	last := len(tr.Events) - 1
	if e := &tr.Events[last]; e.End == nil {
		t.Errorf("the last event is a %s: %+v", e.Kind(), e.Fault)
	}
	if hits := slices.ContainsFunc(tr.Events, func(e trace.Entry) bool {
		return e.Fault != nil && e.Fault.What == trace.FaultHit
	}); !hits {
		t.Error("the fault struck nothing: the test proves nothing")
	}
}
