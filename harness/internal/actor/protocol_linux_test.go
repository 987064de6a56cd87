package actor

import (
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestPrelude(t *testing.T) {
	var (
		socket = step("socket", language.Op{Socket: &language.SocketOp{}})
		option = step("setsockopt", set("SO_KEEPALIVE", "1"))
		bind   = step("bind", language.Op{Bind: &language.Bind{}})
		listen = step("listen", listenOn(80))
		accept = step("accept", acceptOp())
	)
	for _, tt := range []struct {
		name  string
		steps []language.Step
		want  int
	}{
		{"of a server is its listen", []language.Step{listen, accept}, 1},
		{"has the steps before the listen", []language.Step{socket, option, bind, listen, accept}, 4},
		{"has the steps between two listens", []language.Step{listen, option, listen}, 3},
		{"ends with bind for datagrams", []language.Step{socket, bind, step("recvfrom", recvOp())}, 2},
		{"is empty without bind and listen", []language.Step{socket, option, step("connect", connectTo("h:1"))}, 0},
		{"ends before a step that waits", []language.Step{bind, after("c.connect", listen)}, 1},
		{"is empty if the first step waits", []language.Step{after("c.connect", listen)}, 0},
		{"is empty if another step comes first", []language.Step{step("sleep", sleepFor(1)), listen}, 0},
		{"has the start of a program that gets ready", []language.Step{step("helper", startOf(nil)), step("web", startOf(&language.Ready{File: "x"})), accept}, 2},
		{"has no start of a program that only runs", []language.Step{step("helper", startOf(nil)), accept}, 0},
		{"is empty without steps", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := language.Prelude(tt.steps); got != tt.want {
				t.Errorf("Prelude is %d, want %d", got, tt.want)
			}
		})
	}
}

func startOf(ready *language.Ready) language.Op {
	return language.Op{Start: &language.Start{Launch: language.Launch{Command: []string{"sh", "-c", "true"}}, Ready: ready}}
}

func TestEventOf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event trace.Event
		want  language.EventRef
	}{
		{"a first start", trace.Event{Start: &trace.Start{Actor: "c", Step: "connect", N: 1}}, "c.connect.start"},
		{"a later start", trace.Event{Start: &trace.Start{Actor: "c", Step: "connect", N: 3}}, "c.connect[3].start"},
		{"a first end", trace.Event{Step: &trace.Step{Actor: "c", ID: "connect", N: 1}}, "c.connect"},
		{"a later end", trace.Event{Step: &trace.Step{Actor: "c", ID: "connect", N: 2}}, "c.connect[2]"},
		{"a signal", trace.Event{Signal: &trace.Signal{Actor: "c", Name: "ready"}}, "c.signal.ready"},
		{"the start of all actors", trace.Event{Start: &trace.Start{}}, ""},
		{"another event", trace.Event{Fault: &trace.Fault{Name: "f"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := EventOf(&tt.event)
			if got != tt.want {
				t.Errorf("EventOf() = %q, want %q", got, tt.want)
			}
			if got.Canonical() != got {
				t.Errorf("%q is not canonical: %q", got, got.Canonical())
			}
		})
	}
}

func TestBoard(t *testing.T) {
	branch := []language.Step{step("w2", waitFor("b.deep"))}
	b := newBoard([]language.Step{
		after("b.connect", step("s", sleepFor(0))),
		step("w", waitFor("b.send[1]")),
		step("r", language.Op{Repeat: &language.Repeat{Times: 1, Steps: []language.Step{
			step("p", language.Op{Parallel: &language.Parallel{Branches: [][]language.Step{branch}}}),
		}}}),
	})
	happened := func(ref language.EventRef) bool {
		select {
		case <-b.seen(ref):
			return true
		default:
			return false
		}
	}
	for _, tt := range []struct {
		name      string
		pin, seen language.EventRef
		want      bool
	}{
		{"another execution does not count", "b.connect[2]", "b.connect", false},
		{"the start does not count for the end", "b.connect.start", "b.connect", false},
		{"an event that nobody waits for is ignored", "b.close", "b.connect", false},
		{"the event counts", "b.connect", "b.connect", true},
		{"an event may come twice", "b.connect", "b.connect", true},
		{"the first execution has two names", "b.send", "b.send[1]", true},
		{"nested steps wait too", "b.deep[1]", "b.deep", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.pin(tt.pin.Canonical(), 3*time.Second)
			if got := happened(tt.seen); got != tt.want {
				t.Errorf("after %s, seen(%s) is %t, want %t", tt.pin, tt.seen, got, tt.want)
			}
		})
	}
	for _, tt := range []struct {
		name       string
		since, now time.Duration
		want       time.Duration
	}{
		{"from the event on, for a thread that waited before", time.Second, 5 * time.Second, 2 * time.Second},
		{"from the wait on, for one that came after the event", 4 * time.Second, 5 * time.Second, time.Second},
	} {
		if got := b.late("b.connect", tt.since, tt.now); got != tt.want {
			t.Errorf("late %s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if n := len(b.posts); n != 3 {
		t.Errorf("the board remembers %d events, want the 3 that steps wait for", n)
	}
}
