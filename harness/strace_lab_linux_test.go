package harness_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// needStrace skips a test where strace is missing.
func needStrace(t *testing.T) {
	t.Helper()
	needLab(t)
	if err := harness.CheckNeeds(&language.Scenario{Needs: language.Names{"strace"}}); err != nil {
		testlab.Supported(t, err)
	}
}

// Programs run under strace as they do without: it sees the same calls as tracepoints, of children and in
// progress, and leaves their exit status, the signal that ends them, their descriptors, what they print, and
// why they do not start, as they are.
func TestCallsByStrace(t *testing.T) {
	needStrace(t)
	s := only(t, `
name: strace
calls: strace
title: Programs whose calls strace sees
duration: 400ms
hosts: {client: {}, server: {}}
actors:
  server:
    - listen: 80
    - accept: {}
  client:
    - exec: [bash, -c, "exec 4<>/dev/tcp/server/81"]
    - {exec: [sh, -c, "ls /proc/self/fd; echo $0; exit 7"], id: prints}
    - {exec: [sh, -c, "kill -USR1 $$"], id: signaled}
    - {start: {command: [sleep, "60"]}, id: beside}
    - {kill: {program: client.beside, signal: INT}}
    - {id: exec2, exec: [bash, -c, "exec 3<>/dev/tcp/server/80; echo hello >&3; (read -u 3 x; :); :"]}
expect:
  - {calls: {program: client.exec, name: connect, to: "server:81"}, error: ECONNREFUSED, count: 1}
  - {calls: {program: client.exec2, name: connect, to: "server:80"}, error: none, count: 1}
  - {calls: {program: client.exec2, name: recv, to: "server:80"}, hangs: true, count: 1}
  - {process: client.exec, exit: 1, stderr: {contains: "/dev/tcp/server/81: Connection refused"}}
  - {process: client.prints, exit: 7, stdout: {contains: "0\n1\n2\n3\nsh\n"}}
  - {process: client.signaled, signal: USR1}
  - {process: client.beside, signal: INT}
  - {step: client.exec2, hangs: true}
`)[0]
	tr, err := harness.Run(t.Context(), s, harness.Options{NoTracepoints: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range assertions.Check(s, tr) {
		if v.Status != assertions.Pass {
			t.Errorf("%s: %s: %s", v.Status, v.Title, v.Reason)
		}
	}
	want := []string{
		"program socket(:) = 3", "program connect(:) = ECONNREFUSED", "program close(:) = 0",
		"program socket(:) = 3", "program connect(:80) = 0", "program write(:80) = 6",
		"child read(:80) = unfinished",
	}
	if diff := cmp.Diff(want, callsOf(tr, "client")); diff != "" {
		t.Errorf("the calls of the client (-want +got):\n%s", diff)
	}
	started := tr.Started()
	_, end := tr.End()
	for i := range tr.Events {
		e := &tr.Events[i]
		switch {
		case e.Call != nil && (e.Call.Began < started || e.T < e.Call.Began || e.T > end):
			t.Errorf("%s lasts from %v to %v, in a run from %v to %v", e.Call.Name, e.Call.Began, e.T, started, end)
		case e.Step != nil && e.Step.Left || e.Program != nil && e.Program.Printed != nil && e.Program.Printed.Left:
			t.Errorf("a program has left a process running: %+v %+v", e.Step, e.Program)
		case e.Note != nil || e.Lost != nil:
			t.Errorf("the trace has %+v %+v, want no note and nothing lost", e.Note, e.Lost)
		}
	}
}

// A program that strace cannot execute has the error that it has without strace.
func TestAProgramThatStraceCannotExecute(t *testing.T) {
	needStrace(t)
	tr, err := harness.Run(t.Context(), only(t, `
name: strace-script
calls: strace
title: A script whose interpreter is missing
hosts: {client: {}}
files: {/opt/script: {text: "#!/nosuch/interpreter\n", mode: 0755}}
actors:
  client: [{exec: [/opt/script]}]
expect:
  - {process: client.exec, exit: 0}
`)[0], harness.Options{NoTracepoints: true})
	if err != nil {
		t.Fatal(err)
	}
	problem := ""
	for i := range tr.Events {
		if st := tr.Events[i].Step; st != nil {
			problem = st.Problem
		}
	}
	want := "starting /opt/script: its interpreter /nosuch/interpreter: no such file or directory"
	if problem != want || len(tr.Programs()) > 0 {
		t.Errorf("the problem is %q, and %d programs have started; want %q and none", problem, len(tr.Programs()), want)
	}
}

// A run that asks for strace where it is missing, or too old, is skipped; where tracepoints show calls,
// it is not needed.
func TestCallsByStraceThatIsMissing(t *testing.T) {
	needLab(t)
	s := only(t, `
name: strace-missing
calls: strace
title: A program whose calls cannot be seen
network: {shape: loopback}
hosts: {client: {}}
actors:
  client: [{exec: ["/bin/sh", -c, ":"]}]
expect:
  - {process: client.exec, exit: 0}
`)[0]
	t.Setenv("PATH", t.TempDir())
	check := func(want string) {
		t.Helper()
		_, err := harness.Run(t.Context(), s, harness.Options{NoTracepoints: true})
		var missing *inject.MissingError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), want) {
			t.Errorf("Run returns %v, want it to lack %q", err, want)
		}
	}
	check("the program strace is not available here (needed by strace-missing: calls: strace)")
	old := filepath.Join(os.Getenv("PATH"), "strace")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho strace -- version 5.5\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	check("of version 5.6")
	tr, err := harness.Run(t.Context(), s, harness.Options{})
	seen := func(e trace.Entry) bool { return e.Tracepoints != nil && e.Tracepoints.Show(trace.Calls) }
	if err != nil && !errors.As(err, new(*inject.MissingError)) || err == nil && !slices.ContainsFunc(tr.Events, seen) {
		t.Errorf("with tracepoints, Run returns %v", err)
	}
}
