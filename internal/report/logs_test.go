package report

import (
	"bytes"
	"testing"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestLogsOfPrograms(t *testing.T) {
	run := &result.Run{Scenario: &language.Scenario{
		Name: "s", Family: "v4", Actors: []language.Actor{{Name: "web", Host: "server"}},
	}}
	line := func(n int, text string, bytes int64) *trace.Event {
		return &trace.Event{Line: &trace.Line{Actor: "web", Step: "start", N: n, Text: trace.Output(text), Bytes: bytes}}
	}
	for _, tt := range []struct {
		name  string
		event *trace.Event
		runs  int
		want  string
	}{
		{"a line", line(1, "up", 0), 1, "server.start| up\n"},
		{"a later execution, of several runs", line(2, "up", 0), 3, "s server.start[2]| up\n"},
		{"what a terminal would obey", line(1, "\x1b[2J\tx\xff", 0), 1, "server.start| \\x1b[2J    x\\xff\n"},
		{"a long line", line(1, "xx", 5000), 1, "server.start| xx ... (5000 bytes)\n"},
		{"lines left out", &trace.Event{Program: &trace.Program{Actor: "web", Step: "start", N: 1, What: trace.ProgramCut, Lines: 2, Bytes: 9}}, 1, "server.start: 2 lines of 9 bytes before the next ones are left out\n"},
		{"a start", &trace.Event{Program: &trace.Program{Actor: "web", Step: "start", What: trace.ProgramStarted}}, 1, ""},
		{"a packet", &trace.Event{Packet: &trace.Packet{}}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, f := range Formats {
				for _, asked := range []bool{true, false} {
					var out, errs bytes.Buffer
					v := f.New(Output{Out: &out, Errs: &errs, Logs: asked, Runs: tt.runs})
					v.Begin(run)
					before := out.Len()
					v.Event(run, tt.event)
					want := tt.want
					if !asked {
						want = ""
					}
					if got := errs.String(); got != want || out.Len() > before {
						t.Errorf("%s, asked for: %t: it writes %q, and %q as results, want %q", f.Name, asked, got, out.String(), want)
					}
				}
			}
		})
	}
}
