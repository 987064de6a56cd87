package harness_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/testlab"
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

// A program is ready when it does what its step wants, and its actor's next step, and the first ones of
// all others, come after that.
func TestReadyPrograms(t *testing.T) {
	needLab(t)
	testlab.NeedProgram(t, "python3")
	const scenario = `
name: ready
title: Programs that get ready
hosts: {client: {}, server: {}}
actors:
  server:
    - start: {command: [python3, -c, "import socket,time; s=socket.socket(); s.bind(('', 80)); u=socket.socket(type=socket.SOCK_DGRAM); u.bind(('', 53)); s.listen(); time.sleep(60)"], as: web, ready: {listens: [80, 53]}}
    - start: {command: "echo a; echo up now >&2; exec sleep 60", as: prints, ready: {prints: "^up"}}
    - exec: "echo then"
    - start: {command: "touch ready-file; exec sleep 60", dir: /tmp, as: file, ready: {file: ready-file}}
    - start: {command: "touch /tmp/other-file; exec sleep 60", as: command, ready: {exec: "test -e /tmp/other-file"}}
    - start: {command: "sleep 60 & touch /tmp/child; exit 0", as: daemon, ready: {file: /tmp/child}}
    - start: {command: [python3, -c, "import socket,time; s=socket.socket(socket.AF_INET6); s.bind(('', 81)); s.listen(); time.sleep(60)"], as: six, ready: {listens: 81}}
    - start: {command: [python3, -c, "import socket,time; s=socket.socket(); s.listen(); time.sleep(60)"], as: any, ready: {listens: any}}
  client:
    - connect: "server:80"
expect:
  - {step: server.web, value: ready}
  - {step: client.connect, error: none}
  - {step: server.prints, value: ready}
  - {step: server.file, value: ready}
  - {step: server.command, value: ready}
  - {step: server.daemon, value: ready}
  - {step: server.six, value: ready}
  - {step: server.any, value: ready}
  - {log: server.prints, contains: up now, count: 1}
  - {log: server.prints, matches: "^(a|up)", count: 2}
  - {log: server.exec, contains: then, at: < 10s}
  - {process: server.daemon, exit: 0}
  - {process: server.web, signal: TERM}
`
	tr := passes(t, scenario)
	ready := map[string]time.Duration{}
	for i := range tr.Events {
		switch e := &tr.Events[i]; {
		case e.Program != nil && e.Program.What == trace.ProgramReady:
			ready[e.Program.Step] = e.T
		case e.Step != nil && e.Step.Op == "start" && ready[e.Step.ID] != e.T:
			t.Errorf("%s is ready at %v, its step ends at %v", e.Step.ID, ready[e.Step.ID], e.T)
		}
	}
	if web := ready["web"]; web == 0 || web >= tr.Started() {
		t.Errorf("the server is ready at %v, want a time before the start of the actors at %v", web, tr.Started())
	}
}

// A program that does not get ready fails the run, unless an expectation says so, and says why.
func TestProgramsThatDoNotGetReady(t *testing.T) {
	needLab(t)
	for _, tt := range []struct{ name, start, expect, want string }{
		{
			"nothing listens", `{command: "echo slowly; exec sleep 60", ready: {listens: 80}, within: 100ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (no socket of it listens on port 80) after T\nlast lines of server.start[1]:\n  T stdout  slowly",
		},
		{
			"it dies", `{command: "echo cannot bind >&2; exit 4", ready: {listens: 80}}`, "",
			"server.start[1] did not get ready: ESRCH (it ended before it was ready: no socket of it listens on port 80) after T\nlast lines of server.start[1]:\n  T stderr  cannot bind",
		},
		{
			"no line matches", `{command: "echo no; exec sleep 60", ready: {prints: up}, within: 100ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (it has printed no line that matches \"up\") after T\nlast lines of server.start[1]:\n  T stdout  no",
		},
		{
			"it closes its outputs", `{command: "exec >&- 2>&-; exec sleep 60", ready: {prints: up}, within: 100ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (it has printed no line that matches \"up\"; it has closed its outputs) after T\nserver.start[1] had printed nothing",
		},
		{
			"it ends without the line", `{command: "exit 0", ready: {prints: up}}`, "",
			"server.start[1] did not get ready: ESRCH (it ended before it was ready: it has printed no line that matches \"up\") after T\nserver.start[1] had printed nothing",
		},
		{
			"the command says no", `{command: "exec sleep 60", ready: {exec: "echo not yet; false"}, within: 100ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (sh -c echo not yet; false: exit status 1: not yet) after T\nserver.start[1] had printed nothing",
		},
		{
			"the port is another program's", `{command: "exec sleep 60", ready: {listens: 8080}, within: 100ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (no socket of it listens on port 8080) after T\nserver.start[1] had printed nothing",
		},
		{
			"no socket on any port", `{command: "exec sleep 60", ready: {listens: any}, within: 100ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (no socket of it listens) after T\nserver.start[1] had printed nothing",
		},
		{
			"it listens elsewhere", `{command: [python3, -c, "import socket,time; s=socket.socket(); s.bind(('', 81)); s.listen(); time.sleep(60)"], ready: {listens: 80}, within: 600ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (no socket of it listens on port 80, but one on port 81) after T\nserver.start[1] had printed nothing",
		},
		{
			"it listens on the other IP version", `{command: [python3, -c, "import socket,time; s=socket.socket(); s.bind(('', 80)); s.listen(); time.sleep(60)"], ready: {listens: 80}, within: 600ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (no socket of it listens on port 80 of IPv6, but one does of IPv4) after T\nserver.start[1] had printed nothing",
		},
		{
			"a daemon without the file", `{command: "exit 0", ready: {file: /tmp/x}, within: 100ms}`, "",
			"server.start[1] did not get ready: ETIMEDOUT (there is no file /tmp/x; its process had ended with exit status 0) after T\nserver.start[1] had printed nothing",
		},
		{"as expected", `{command: "exec sleep 60", ready: {listens: 80}, within: 100ms}`, `error: ETIMEDOUT, took: ">= 100ms"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect := "{step: other.listen}"
			if tt.expect != "" {
				expect = "{step: server.start, " + tt.expect + "}"
			}
			family := "v4"
			if strings.Contains(tt.want, "of IPv6") {
				family = "v6"
			}
			s := only(t, `
name: not-ready
title: A program that does not get ready
ip: `+family+`
hosts: {server: {}}
network: {shape: loopback}
actors:
  other: {host: server, steps: [listen: 8080]}
  server:
    - {signal: go, after: other.listen}
    - start: `+tt.start+`
expect:
  - `+expect+`
`)[0]
			tr, err := harness.Run(t.Context(), s, harness.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var reasons []string
			for _, v := range assertions.Check(s, tr) {
				if v.Status != assertions.Pass {
					reasons = append(reasons, v.Reason)
				}
			}
			times := regexp.MustCompile(`-?[0-9.]+(ms|s)\b| +-?[0-9]+\.[0-9]{3}`)
			got := times.ReplaceAllString(strings.Join(reasons, "\n"), " T")
			if got = strings.ReplaceAll(got, "after  T", "after T"); got != strings.ReplaceAll(tt.want, "  T", " T") {
				t.Errorf("the reason is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// Files have all that programs write, also of one that still runs when its run is canceled, and of
// what a program has left running. Programs do not have the folder.
func TestFilesHaveAllThatProgramsWrite(t *testing.T) {
	needLab(t)
	const scenario = `
name: whole
title: Programs that write much
hosts: {client: {}}
network: {shape: loopback}
actors:
  client:
    - {exec: "head -c 3000000 /dev/zero", id: zeros}
    - {exec: "true", id: nothing}
    - {exec: "(while kill -0 $$; do :; done 2>/dev/null; echo later) & echo now", id: left}
    - {exec: "ls /proc/self/fd | tr '\\n' ' ' >&2", id: files, times: 2}
  worker:
    host: client
    steps: [{exec: "printf begun; exec sleep 30"}]
expect:
  - {process: client.left, exit: 0}
`
	dir := t.TempDir()
	want := map[string]string{
		"client.zeros.stdout":       "3000000 bytes",
		"client.left.stdout":        "now\nlater\n",
		"client.files.stderr":       "0 1 2 3 ",
		"client.files+2.stderr":     "0 1 2 3 ",
		"client.worker.exec.stdout": "begun",
	}
	read := func() map[string]string {
		got := map[string]string{}
		files, _ := filepath.Glob(dir + "/*") // the pattern is well-formed
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			if len(text) > 1000 {
				text = fmt.Appendf(nil, "%d bytes", len(text))
			}
			got[filepath.Base(file)] = string(text)
		}
		return got
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := harness.Run(ctx, only(t, scenario)[0], harness.Options{Logs: dir, Emit: func(e trace.Event) {
		if e.Program != nil && e.Program.What == trace.ProgramEnded && e.Program.N == 2 {
			for give := time.Now().Add(5 * time.Second); cmp.Diff(want, read()) != "" && time.Now().Before(give); {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// ps in a lab, and on the machine, says what each process is. A program keeps its own name.
func TestProcessesOfALabSayWhatTheyAre(t *testing.T) {
	needLab(t)
	const scenario = `
name: named
title: A program looks at the processes of its lab
hosts: {client: {}, server: {}}
actors:
  server: [start: {command: [sleep, "60"], as: web}]
  worker:
    host: server
    steps: [wait: client.look]
  client:
    - wait: server.web
    - exec: |
        for p in /proc/[0-9]*; do
          read -r name <$p/comm
          [ $name = sleep ] && web=$${p#/proc/}
          echo "$name: $(tr '\0' ' ' <$p/cmdline)"
        done
        tr '\0' '\n' </proc/$web/environ | grep HALFOPEN_[HP]
        hostname
      id: look
expect:
  - {process: client.look, exit: 0}
`
	tr, err := harness.Run(t.Context(), only(t, scenario)[0], harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines := linesOf(tr)
	for _, want := range []string{
		"halfopen-lab: halfopen-lab: named ", "halfopen-actor: halfopen-actor: client ",
		"halfopen-actor: halfopen-actor: worker on server ", "sleep: sleep 60 ",
		"HALFOPEN_HOST=server", "HALFOPEN_PROGRAM=server.web", "client",
	} {
		if !slices.Contains(lines, "look stdout "+want) {
			t.Errorf("no line %q in:\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

// A program that is not there skips the run, with the place and the remedy; a file that is no program
// fails it.
func TestProgramsThatAreNotThere(t *testing.T) {
	needLab(t)
	const lacking = "the program %s is not available here (needed by test.yaml:7:7: step client.p); install it, or give its path"
	for _, tt := range []struct{ name, command, lacks, problem string }{
		{"not in PATH", "[halfopen-nosuch]", "halfopen-nosuch", ""},
		{"not at its path", "[/opt/nosuch/prog, -x]", "/opt/nosuch/prog", ""},
		{"a folder", "[/etc]", "", "starting /etc: it is a folder: permission denied"},
		{"a file that is not executable", "[/etc/hosts]", "", "starting /etc/hosts: its file is not executable (chmod +x): permission denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := harness.Run(t.Context(), only(t, `
name: absent
title: A program that is not there
hosts: {client: {}}
actors:
  client:
    - {exec: `+tt.command+`, id: p}
expect: [{process: client.p, exit: 0}]
`)[0], harness.Options{})
			var missing *inject.MissingError
			if tt.lacks != "" {
				if !errors.As(err, &missing) || err.Error() != fmt.Sprintf(lacking, tt.lacks) {
					t.Errorf("Run returns %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			problem := ""
			for i := range tr.Events {
				if st := tr.Events[i].Step; st != nil {
					problem = st.Problem
				}
			}
			if problem != tt.problem {
				t.Errorf("problem %q, want %q", problem, tt.problem)
			}
		})
	}
}
