package harness_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
	"halfopen/internal/proof"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// The kernel's tracepoints show which states a socket goes through, however short they are. What
// packets, steps and looks prove without them must be the same, and no verdict pass by chance.
func TestStatesAreProvenAsTheKernelShowsThem(t *testing.T) {
	needLab(t)
	view, err := tracepoint.Open()
	testlab.Supported(t, err)
	if err := view.Close(); err != nil {
		t.Fatal(err)
	}
	const (
		clientCloses = "SYN_SENT, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, TIME_WAIT"
		serverCloses = "SYN_RECV, ESTABLISHED, CLOSE_WAIT, LAST_ACK, CLOSED"
		plainServer  = "server: [listen: 8080, accept, {recv: {until: eof}}, close]"
	)
	for _, test := range []struct {
		name           string
		faults, actors string
		// paths are those of sockets, by HOST/KEY/PORT; never are states that none comes to.
		paths map[string]string
		never map[string]string
	}{
		{
			name:   "a plain life",
			actors: plainServer + "\n  client: [connect: \"server:8080\", close]",
			paths:  map[string]string{"client/remote/8080": clientCloses, "server/local/8080": serverCloses},
			never:  map[string]string{"client/remote/8080": "CLOSE_WAIT", "server/local/8080": "TIME_WAIT"},
		},
		{
			name: "established and reset at once",
			actors: plainServer + `
  client: [{socket: {as: s}}, {setsockopt: {SO_LINGER: 0s}, socket: s}, {connect: "server:8080", socket: s}, close]`,
			paths: map[string]string{
				"client/remote/8080": "SYN_SENT, ESTABLISHED, CLOSED",
				"server/local/8080":  "SYN_RECV, ESTABLISHED, CLOSED",
			},
			never: map[string]string{"client/remote/8080": "FIN_WAIT1", "server/local/8080": "CLOSE_WAIT"},
		},
		{
			name:   "both close at once",
			faults: "slow: {match: {tcp: [FIN, ACK]}, do: {delay: 50ms}}",
			actors: `server: [listen: 8080, accept, close, sleep: 200ms]
  client: [connect: "server:8080", {close: {}, after: server.accept}]`,
			paths: map[string]string{
				"client/remote/8080": "SYN_SENT, ESTABLISHED, FIN_WAIT1, CLOSING, TIME_WAIT",
				"server/local/8080":  "SYN_RECV, ESTABLISHED, FIN_WAIT1, CLOSING, TIME_WAIT",
			},
			never: map[string]string{"client/remote/8080": "FIN_WAIT2", "server/local/8080": "CLOSE_WAIT"},
		},
		{
			name:   "the accept queue is full when the ACK comes",
			faults: "late: {match: {tcp: ACK, sport: 40002}, first: 1, do: {delay: 50ms}}",
			actors: `server: [listen: {port: 8080, backlog: 0}, sleep: 300ms]
  client: [{bind: 40001}, {connect: "server:8080", after: other.connect}]
  other: {host: client, steps: [{bind: 40002}, connect: "server:8080"]}`,
			paths: map[string]string{
				"server/remote/40001": "SYN_RECV, ESTABLISHED",
				"server/remote/40002": "SYN_RECV", "client/local/40002": "SYN_SENT, ESTABLISHED",
			},
			never: map[string]string{"server/remote/40002": "ESTABLISHED"},
		},
		{
			name: "two connections on the same ports",
			actors: `server: [listen: 8080, accept, {accept: {as: next}}, {recv: {until: eof}}, close]
  client:
    - {socket: {as: a}}
    - {setsockopt: {SO_LINGER: 0s}, socket: a}
    - {bind: 40001, socket: a}
    - {connect: "server:8080", socket: a}
    - {close: {}, socket: a, after: server.accept}
    - {socket: {as: b}}
    - {bind: 40001, socket: b}
    - {connect: "server:8080", socket: b}
    - {close: {}, socket: b}`,
			never: map[string]string{"client/remote/8080": "CLOSE_WAIT", "server/local/8080": "FIN_WAIT1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var expect []string
			var want []assertions.Status
			add := func(status assertions.Status, format string, args ...any) {
				expect, want = append(expect, "  - "+fmt.Sprintf(format, args...)), append(want, status)
			}
			for socket, states := range test.paths {
				selector := selectorOf(socket)
				add(assertions.Pass, "{path: {%s}, states: [%s]}", selector, states)
				for _, state := range strings.Split(states, ", ") {
					if state != string(language.Closed) {
						add(assertions.Fail, "{never: {%s, state: %s}}", selector, state)
					}
				}
			}
			for socket, state := range test.never {
				add(assertions.Pass, "{never: {%s, state: %s}}", selectorOf(socket), state)
			}
			s := only(t, "name: probe\ntitle: probe\nhosts: {client: {}, server: {}}\nfaults: {"+
				test.faults+"}\nactors:\n  "+test.actors+"\nexpect:\n"+strings.Join(expect, "\n")+"\n")[0]
			tr, err := harness.Run(t.Context(), s, harness.Options{})
			if err != nil {
				t.Fatal(err)
			}
			bare := withoutTracepoints(tr)
			for how, tr := range map[string]*trace.Trace{"by the kernel": tr, "by packets": bare} {
				for i, v := range assertions.Check(s, tr)[:len(want)] {
					if v.Status != want[i] || v.Unseen {
						t.Errorf("%s, %s: %s, want %s\n%s", v.Title, how, v.Status, want[i], v.Reason)
					}
				}
			}
			exact, inferred := pathsOf(s, tr), pathsOf(s, bare)
			for socket, path := range exact {
				if !slices.Contains(inferred[socket], path[0]) {
					t.Errorf("%s went %s; packets say %v", socket, path[0], inferred[socket])
				}
			}
			if len(exact) == 0 {
				t.Error("no socket was seen")
			}
		})
	}
}

// selectorOf writes HOST/KEY/PORT as a selector of sockets.
func selectorOf(socket string) string {
	part := strings.Split(socket, "/")
	return fmt.Sprintf("host: %s, %s: %s", part[0], part[1], part[2])
}

// withoutTracepoints returns a trace as an ordinary user has it.
func withoutTracepoints(tr *trace.Trace) *trace.Trace {
	bare := &trace.Trace{}
	for _, e := range tr.Events {
		switch e.Kind() {
		case string(trace.Transitions), string(trace.Drops), string(trace.Retransmits),
			string(trace.Resets), string(trace.Probes), "lost", "tracepoints":
		default:
			bare.Add(e.Whole())
		}
	}
	return bare
}

// pathsOf returns the paths of the sockets of a run but listeners, by HOST LOCAL REMOTE and, where
// several follow each other, a number.
func pathsOf(s *language.Scenario, tr *trace.Trace) map[string][]string {
	all, seen := map[string][]string{}, map[string]int{}
	for _, socket := range proof.Sockets(tr, proof.SceneOf(s)) {
		if socket.Listener() {
			continue
		}
		name := socket.Host + " " + socket.Local + " " + socket.Remote
		seen[name]++
		name = fmt.Sprintf("%s %d", name, seen[name])
		for _, path := range socket.Paths {
			var states []string
			for _, phase := range path {
				states = append(states, phase.State)
			}
			all[name] = append(all[name], strings.Join(states, " "))
		}
	}
	return all
}
