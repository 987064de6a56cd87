package assertions

import (
	"strings"
	"testing"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// An event that never came is named with what came instead, wherever something waits for it.
func TestWhatCameInsteadOfAnEvent(t *testing.T) {
	const text = `
name: x
title: t
hosts: {client: {}, server: {}}
faults:
  late:
    do: drop
    from: EVENT
actors:
  server:
    - start: {command: serve, as: web}
  client:
    - wait: EVENT
  other:
    host: client
    steps:
      - sleep: {for: 1s}
        after: EVENT
expect:
  - {step: server.web, at: 1s, since: EVENT}
  - {step: other.sleep, error: none}
`
	started := func(p *tape) {
		p.add(0, trace.Event{Program: &trace.Program{Actor: "server", Step: "web", N: 1, What: trace.ProgramStarted}})
	}
	printed := func(p *tape, lines ...string) {
		started(p)
		for _, l := range lines {
			p.add(ms, trace.Event{Line: &trace.Line{Actor: "server", Step: "web", N: 1, Stream: trace.Stdout, Text: trace.Output(l)}})
		}
	}
	for _, tt := range []struct {
		name, event string
		came        func(*tape)
		want        string // "" if the event came
	}{
		{"a program that did not start", "{log: server.web, contains: up}", func(*tape) {}, ": server.web did not start"},
		{"a program that printed nothing", "{log: server.web, contains: up}", started, ": server.web printed no line"},
		{"other lines", "{log: server.web, contains: up}", func(p *tape) { printed(p, "a", "do\x1bwn") }, `: none of its 2 lines is so; the last is "do\x1bwn"`},
		{"too few lines", "{log: server.web, contains: up, nth: 3}", func(p *tape) { printed(p, "up", "x", "up") }, ": only 2 lines of 3 came"},
		{"lines of the other stream", "{log: server.web, contains: up, stream: stderr}", func(p *tape) { printed(p, "up") }, ": server.web printed no line on stderr"},
		{"no packet", "{packet: {from: server}}", func(p *tape) {
			p.add(ms, trace.Event{Watched: &trace.Watched{Event: "{packet: {from: server}}"}})
		}, ": no such packet came"},
		{"too few packets", "{nth: 3, packet: {from: server}}", func(p *tape) {
			p.add(ms, trace.Event{Watched: &trace.Watched{Event: "{packet: {from: server}}", Happened: true, Seen: 1}})
			p.add(ms, trace.Event{Watched: &trace.Watched{Event: "{packet: {from: server}, nth: 3}", Seen: 2}})
		}, ": only 2 packets of 3 came"},
		{"a packet of which the run has no count", "{packet: {from: server}}", started, ""},
		{"no socket", "{state: LISTEN, host: server}", func(p *tape) {
			p.add(ms, trace.Event{Watched: &trace.Watched{Event: "{host: server, state: LISTEN}"}})
		}, ": no such socket came; server had no such socket in any state"},
		{"a socket in another state", "{state: TIME_WAIT, host: client, nth: 2}", func(p *tape) {
			p.socket(0, "client", clientAddr+":4000", serverAddr+":80", "ESTABLISHED")
			p.add(ms, trace.Event{Watched: &trace.Watched{Event: "{host: client, state: TIME_WAIT, nth: 2}", Seen: 1}})
		}, ": only 1 socket of 2 came; such sockets of client were in ESTABLISHED; a state that lasts less than a few milliseconds may be missed"},
		{"an event of a step, of which nothing more is known", "server.web.ended", started, ""},
		{"the line", "{contains: up, log: server.web}", func(p *tape) {
			printed(p, "up")
			p.add(ms, trace.Event{Watched: &trace.Watched{Event: "{log: server.web, contains: up}", Happened: true, Seen: 1}})
		}, "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			tt.came(p)
			p.step("server.web", 0, ms, nil)
			p.add(2*ms, trace.Event{Start: &trace.Start{Actor: "client", Step: "wait", Op: "wait", N: 1}})
			p.add(3*ms, trace.Event{Fault: &trace.Fault{Name: "late", What: trace.FaultHits}})
			tr := p.end(2*second, "deadline", "client.wait")
			s := load(t, strings.ReplaceAll(text, "EVENT", tt.event))
			var all []string
			for _, v := range Check(s, tr) {
				all = append(all, v.Reason)
			}
			said := strings.Join(all, "\n")
			_, err := Moment(tr, language.EventRef(tt.event))
			if tt.want == "-" {
				if err != nil || strings.Contains(said, "never happened") {
					t.Fatalf("it came, but: %v\n%s", err, said)
				}
				return
			}
			if err == nil {
				t.Fatal("it did not come, but has a moment")
			}
			event := string(language.EventRef(tt.event).Canonical())
			for _, want := range []string{
				"the event " + event + " never happened" + tt.want,
				"it waits for " + event + ", which never happened" + tt.want + ")",
				"other.sleep never began: other did nothing at all; other.sleep waits for " + event +
					", which never happened" + tt.want,
				"client.wait was still in progress after 1.998s: it waits for " + event + ", which never happened" + tt.want,
			} {
				if !strings.Contains(said, want) {
					t.Errorf("the verdicts do not say %q:\n%s", want, said)
				}
			}
		})
	}
}
