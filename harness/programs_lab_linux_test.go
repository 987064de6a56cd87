package harness_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
)

// linesOf returns the lines of the programs of a run, each "STEP STREAM TEXT" of its actor client.
func linesOf(t *trace.Trace) []string {
	var lines []string
	for i := range t.Events {
		if l := t.Events[i].Line; l != nil {
			open := ""
			if l.Open {
				open = " (open)"
			}
			lines = append(lines, fmt.Sprintf("%s %s %s%s", l.Step, l.Stream, l.Text, open))
		}
	}
	return lines
}

// What a program has printed before a run ended is in the trace, though the program still runs.
func TestLinesOfAHangingProgramAreInTheTrace(t *testing.T) {
	needLab(t)
	const scenario = `
name: hanging
title: A program that does not end
deadline: 1s
hosts: {client: {}}
network: {shape: loopback}
actors:
  client:
    - exec: "echo why; echo and why >&2; printf prompt; exec sleep 30"
expect:
  - {process: client.exec, exit: 0}
`
	tr, err := harness.Run(t.Context(), only(t, scenario)[0], harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines := linesOf(tr)
	slices.Sort(lines) // the two streams are read independently
	want := []string{"exec stderr and why", "exec stdout prompt (open)", "exec stdout why"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	programs := tr.Programs()
	if len(programs) != 1 || programs[0].Ended >= 0 {
		t.Fatalf("programs %+v, want one that has not ended", programs)
	}
	end, at := tr.End()
	if end.Reason != trace.EndDeadline || at < tr.Events[programs[0].Lines[len(lines)-1]].T {
		t.Errorf("the run ended with %s at %v, before its last line", end.Reason, at)
	}
}

// Programs of start steps run beside the steps of their actors. Steps of any actor signal and stop
// them, and what still runs when the actors are done is stopped.
func TestProgramsBeside(t *testing.T) {
	needLab(t)
	const scenario = `
name: beside
title: Programs that run beside
hosts: {client: {}, server: {}}
actors:
  server:
    - start: {command: "trap 'echo hup; : >/tmp/hup' HUP; trap 'echo bye; exit 3' TERM; : >/tmp/up; while :; do sleep 0.01; done", as: polite}
    - start: {command: "trap 'exit 4' QUIT; : >/tmp/quits; while :; do sleep 0.01; done", as: quits, stop: QUIT}
    - start: {command: "trap '' TERM; : >/tmp/stubborn; while :; do sleep 0.01; done", as: stubborn, stop: {within: 100ms}}
    - start: {command: [sleep, "60"], as: killed}
    - parallel: [[{start: "exec sleep 60", id: branch}]]
    - {exec: "trap 'exit 5' USR1; : >/tmp/exec; while :; do sleep 0.01; done", id: inside}
  client:
    - exec: "until [ -e /tmp/up -a -e /tmp/quits -a -e /tmp/stubborn -a -e /tmp/exec ]; do sleep 0.01; done"
    - kill: {program: server.polite, signal: HUP}
    - {exec: "until [ -e /tmp/hup ]; do sleep 0.01; done", id: hup}
    - stop: server.polite
    - {stop: server.polite, id: again}
    - {kill: {program: server.polite}, id: gone}
    - {kill: {program: server.killed}, id: kill9}
    - {kill: {program: server.inside, signal: USR1}, id: usr1}
    - {stop: {program: server.branch, signal: INT}, id: branch}
expect:
  - {process: server.polite, exit: 3, stdout: "hup\nbye", stderr: ""}
  - {process: server.quits, exit: 4}
  - {process: server.stubborn, signal: KILL, took: ">= 100ms"}
  - {process: server.killed, signal: KILL}
  - {process: server.inside, exit: 5}
  - {process: server.branch, signal: INT}
  - {step: client.stop, result: 3}
  - {step: client.again, error: ESRCH}
  - {step: client.gone, error: ESRCH}
  - {step: client.kill9}
  - {step: client.branch, result: -1}
  - {step: server.polite, value: running}
`
	tr := passes(t, scenario)
	for _, p := range tr.Programs() {
		if p.Ended < 0 {
			t.Errorf("the trace has no end of %+v", tr.Events[p.Started].Program)
		}
	}
}

// A program that does not end at its stop is killed, and the step says so.
func TestAStopThatIsIgnored(t *testing.T) {
	needLab(t)
	const scenario = `
name: ignored
title: A program that ignores SIGTERM
hosts: {client: {}}
network: {shape: loopback}
actors:
  client:
    - start: {command: "trap '' TERM; : >/tmp/up; while :; do sleep 0.01; done", as: stubborn}
    - exec: "until [ -e /tmp/up ]; do sleep 0.01; done"
    - stop: {program: client.stubborn, within: 100ms}
expect:
  - {step: client.stop, error: ETIMEDOUT, took: ">= 100ms"}
  - {process: client.stubborn, signal: KILL}
`
	passes(t, scenario)
}

// The programs of an actor that is killed end with it, and their ends are in the trace.
func TestProgramsEndWithTheirActor(t *testing.T) {
	needLab(t)
	const scenario = `
name: orphans
title: Programs of an actor that is killed
hosts: {client: {}, server: {}}
actors:
  server:
    - start: {command: [sleep, "60"], as: beside}
    - {exec: ": >/tmp/up; exec sleep 60", id: inside}
  client:
    - exec: "until [ -e /tmp/up ]; do sleep 0.01; done"
    - kill: server
    - {stop: server.beside, id: late}
expect:
  - {process: server.beside, signal: KILL}
  - {process: server, signal: KILL}
`
	passes(t, scenario)
}

// passes runs a scenario, of which all expectations must be met.
func passes(t *testing.T, scenario string) *trace.Trace {
	t.Helper()
	s := only(t, scenario)[0]
	tr, err := harness.Run(t.Context(), s, harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range assertions.Check(s, tr) {
		if v.Status != assertions.Pass {
			t.Errorf("%s: %s: %s", v.Status, v.Title, v.Reason)
		}
	}
	return tr
}
