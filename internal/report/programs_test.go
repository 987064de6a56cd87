package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// withPrograms is a failed run with programs: one that ended, one that hangs, and one that printed
// more than there is room for.
func withPrograms(t *testing.T) *result.Result {
	exec := func(id, command string) language.Step {
		return language.Step{ID: id, Op: language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"sh", "-c", command}}}}}
	}
	s := &language.Scenario{
		Name: "programs", Family: "v4", Title: "programs and their lines",
		Hosts: []language.Host{{Name: "client"}, {Name: "server"}},
		Actors: []language.Actor{
			{Name: "server", Host: "server", Steps: []language.Step{exec("exec", "serve")}},
			{Name: "client", Host: "client", Steps: []language.Step{exec("ask", "ask; ask"), exec("many", "seq 100000")}},
		},
		Expect: []language.Expectation{
			{Process: &language.ProcessExpectation{Process: "client.ask"}},
			{Step: &language.StepExpectation{Step: "server.exec"}},
		},
	}
	l := newLab(t, false)
	program := func(at time.Duration, actor, step string, what trace.ProgramChange, set func(*trace.Program)) {
		p := &trace.Program{Actor: actor, Step: step, N: 1, What: what}
		set(p)
		l.add(start+at, trace.Event{Program: p})
	}
	line := func(at time.Duration, actor, step string, of trace.Stream, text string) {
		l.add(start+at, trace.Event{Line: &trace.Line{Actor: actor, Step: step, N: 1, Stream: of, Text: trace.Output(text)}})
	}
	none := func(*trace.Program) {}
	l.add(start, trace.Event{Start: &trace.Start{Actor: "server", Step: "exec", Op: "exec", N: 1}})
	program(ms, "server", "exec", trace.ProgramStarted, func(p *trace.Program) { p.Command = []string{"sh", "-c", "serve"} })
	line(2*ms, "server", "exec", trace.Stderr, "a\ttab and \x1b[2J\xff")
	l.add(start+3*ms, trace.Event{Line: &trace.Line{Actor: "server", Step: "exec", N: 1, Stream: trace.Stdout, Text: "Password: ", Open: true}})
	l.add(start+3*ms, trace.Event{Line: &trace.Line{Actor: "server", Step: "exec", N: 1, Stream: trace.Stdout, Text: trace.Output(strings.Repeat("x", 4096)), Bytes: 5000}})
	program(4*ms, "client", "ask", trace.ProgramStarted, func(p *trace.Program) { p.Command = []string{"sh", "-c", "ask; ask"} })
	line(5*ms, "client", "ask", trace.Stdout, "it asks")
	program(6*ms, "client", "ask", trace.ProgramEnded, func(p *trace.Program) { p.Exit = 7 })
	l.step(4*ms, 6*ms, trace.Step{Actor: "client", ID: "ask", Op: "exec", Exit: 7, Result: 7, StdoutBytes: 9})
	program(7*ms, "client", "many", trace.ProgramStarted, func(p *trace.Program) { p.Command = []string{"sh", "-c", "seq 100000"} })
	for i := range 70 {
		line(8*ms, "client", "many", trace.Stdout, fmt.Sprint(i+1))
	}
	program(9*ms, "client", "many", trace.ProgramCut, func(p *trace.Program) { p.Lines, p.Bytes = 99920, 488700 })
	for i := range 10 {
		line(10*ms, "client", "many", trace.Stdout, fmt.Sprint(99991+i))
	}
	program(11*ms, "client", "many", trace.ProgramEnded, func(p *trace.Program) { p.Killed = "TERM" })
	program(12*ms, "client", "quiet", trace.ProgramStarted, func(p *trace.Program) { p.Command = []string{"true"} })
	program(13*ms, "client", "quiet", trace.ProgramEnded, none)
	program(14*ms, "server", "web", trace.ProgramStarted, func(p *trace.Program) { p.Beside, p.Command = true, []string{"nginx"} })
	program(19*ms, "server", "web", trace.ProgramEnded, func(p *trace.Program) { p.Beside, p.Exit = true, 3 })
	return &result.Result{
		Run: result.Run{Scenario: s}, Status: result.Fail, Trace: l.end(20 * ms),
		Dir: "out/a\nb/v4", Logs: []result.Log{
			{Name: "client.ask.stdout", Bytes: 8},
			{Name: "client.many.stderr", Bytes: 1},
			{Name: "client.many.stdout", Bytes: 588895},
			{Name: "client.other.stdout", Bytes: 3},
		},
		Verdicts: []assertions.Verdict{
			{Kind: "process", Index: 0, Status: assertions.Fail, Code: assertions.ProgramExit, Title: "process client.ask: exit 0", Want: "exit 0", Got: "exit 7", Reason: "wanted exit 0, saw exit 7\nstdout of client.ask[1]:\n  it asks"},
			{Kind: "step", Index: 1, Status: assertions.Fail, Code: assertions.StepHangs, Title: "server.exec", Want: "an outcome", Got: "still in progress", Reason: "it was still in progress"},
		},
	}
}

func TestLastLinesOfPrograms(t *testing.T) {
	r := withPrograms(t)
	golden(t, "programs-failed", Details(r, Look{}))
	golden(t, "programs-verbose", Details(r, Look{Verbose: true, Width: 80, ASCII: true}))
	golden(t, "programs-inspect", Inspect(r, Look{}))
}

func TestTheHeadOfAProgramFitsOnATerminal(t *testing.T) {
	events := []trace.Event{{Program: &trace.Program{
		Actor: "server", Step: "start", What: trace.ProgramStarted, Beside: true, Command: []string{strings.Repeat("x", 100)},
	}}}
	for range 1234 {
		events = append(events, trace.Event{Line: &trace.Line{Actor: "server", Step: "start", N: 1, Text: "line"}})
	}
	for i := range events {
		events[i].T = time.Duration(i) * time.Millisecond
	}
	events[0].Program.N = 1
	events = append(events, trace.Event{T: 2345678 * time.Microsecond, Program: &trace.Program{
		Actor: "server", Step: "start", N: 1, What: trace.ProgramEnded, Beside: true, Killed: "TERM",
	}})
	got := programsText(&result.Result{Trace: trace.Of(events...)}, Look{Width: 80}, "    ", mostPrograms, nil)
	head, rest, _ := strings.Cut(got, "\n")
	if widthOf(head) > 80 || !strings.HasSuffix(head, "… (killed by SIGTERM after 2.346s, 1234 lines)") ||
		!strings.HasPrefix(rest, "        ... 1224 lines before these ...\n") {
		t.Errorf("the text is:\n%s", got)
	}
}

func TestOnlyTheLastOfManyProgramsAreShown(t *testing.T) {
	var events []trace.Event
	for n := range mostPrograms + 2 {
		events = append(events, trace.Event{Program: &trace.Program{Actor: "a", Step: "exec", N: n + 1, What: trace.ProgramStarted, Command: []string{"true"}}})
	}
	got := programsText(&result.Result{Trace: trace.Of(events...)}, Look{}, "", mostPrograms, nil)
	if !strings.HasPrefix(got, "2 programs before these\na.exec[3]: true (still running at the end, printed nothing)\n") ||
		strings.Count(got, "\n") != mostPrograms+1 {
		t.Errorf("the text is:\n%s", got)
	}
}

func TestAFaultThatStruckNothingSaysWhatMayBeTheReason(t *testing.T) {
	for want, do := range map[string]language.Action{
		"no such packet came while it was in force":                      {Drop: &language.Drop{}},
		"no such packet came before its event":                           {Hold: &language.Hold{}},
		"no such packet came, or the run ended before it was sent again": {Replay: &language.Replay{}},
		"no such packet came, or none was overtaken":                     {Reorder: &language.Reorder{}},
	} {
		got := struckText(&language.Fault{Name: "f", Do: do}, &result.FaultHits{Name: "f"})
		if !strings.HasSuffix(got, ": struck nothing: "+want) {
			t.Errorf("%s: %s", do.Kind(), got)
		}
	}
	for kind := range whyNothing {
		if !slices.Contains(language.ActionKinds(), kind) {
			t.Errorf("there is no action %s", kind)
		}
	}
}

func TestTriedSaysHowAProgramEnded(t *testing.T) {
	r := withPrograms(t)
	const unready = "server  was not ready when the run ended\n"
	tried := Try(r.Trace, "client.ask")
	if answer := tried.Answer(r, "client.ask", Look{Width: 80}); !strings.Contains(answer, unready) {
		t.Errorf("the server was not ready, and the answer is\n%s", answer)
	}
	r.Trace.Events = append(r.Trace.Events, trace.Of(trace.Event{
		T: start + 15*ms, Step: &trace.Step{Actor: "server", ID: "web", Op: "start", N: 1, Value: "ready"},
	}).Events...)
	for program, want := range map[language.StepRef]string{
		"client.ask":   "exit 7 after 2ms",
		"client.many":  "killed by SIGTERM after 4ms",
		"client.quiet": "exit 0 after 1ms",
		"server.exec":  "still running after 19ms, when the run ended",
		"client.other": "did not start",
	} {
		tried := Try(r.Trace, program)
		if got := tried.String(); got != want {
			t.Errorf("%s: %s, want %s", program, got, want)
		}
		answer := tried.Answer(r, program, Look{Width: 80})
		if !strings.Contains(answer, "  "+want+"\n") || strings.Contains(answer, "\x1b") || strings.Contains(answer, "\xff") {
			t.Errorf("the answer for %s is\n%s", program, answer)
		}
		const died = "server  ended by itself: exit 3 after 5ms\n"
		if got := strings.Contains(answer, died); got != (program == "server.exec") {
			t.Errorf("the server ended before %s: %t\n%s", program, got, answer)
		}
	}
}
