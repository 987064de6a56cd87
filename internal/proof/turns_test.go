package proof

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

// Two sockets between the same ends never exist at the same time, however late a look finds one
// gone.
func TestSocketsWithTheSameEndsTakeTurns(t *testing.T) {
	// again begins another connection between the same ends.
	again := func(p *tape) *tape {
		p.cookie, p.isn = p.cookie+1, [2]uint32{90000, 80000}
		return p
	}
	for _, test := range []struct {
		name string
		make func(p *tape)
		want [][]string
	}{
		{"a SYN ends a TIME_WAIT, and a look sees that later", func(p *tape) {
			p.serverOpens().step("accept", "", 3).step("close", "", 0).out("FA", 1, 1, 0)
			p.in("A", 1, 2, 0).in("FA", 1, 2, 0).out("A", 2, 2, 0).look("TIME_WAIT")
			again(p).in("S", 0, 0, 0).out("SA", 0, 1, 0)
			p.cookie--
			p.look("CLOSED").cookie++
			p.in("A", 1, 1, 0).look("ESTABLISHED")
		}, [][]string{
			{"SYN_RECV 2", "ESTABLISHED 3", "FIN_WAIT1 5", "FIN_WAIT2 7", "TIME_WAIT 8", "CLOSED 10-12"},
			{"SYN_RECV 12", "ESTABLISHED 14"},
		}},
		{"a look sees in between that the first is gone", func(p *tape) {
			p.serverOpens().step("accept", "", 3).step("close", "", 0).out("FA", 1, 1, 0)
			p.in("A", 1, 2, 0).in("FA", 1, 2, 0).out("A", 2, 2, 0).look("TIME_WAIT").look("CLOSED")
			again(p).in("S", 0, 0, 0).out("SA", 0, 1, 0).in("A", 1, 1, 0).look("ESTABLISHED")
		}, [][]string{
			{"SYN_RECV 2", "ESTABLISHED 3", "FIN_WAIT1 5", "FIN_WAIT2 7", "TIME_WAIT 8", "CLOSED 10-11"},
			{"SYN_RECV 13", "ESTABLISHED 14"},
		}},
		{"the kernel shows that a connect took the ports of a TIME_WAIT", func(p *tape) {
			p.watched().goes("CLOSE", "SYN_SENT").clientOpens().goes("SYN_SENT", "ESTABLISHED")
			p.out("FA", 1, 1, 0).goes("ESTABLISHED", "FIN_WAIT1").in("A", 1, 2, 0)
			p.goes("FIN_WAIT1", "FIN_WAIT2").in("FA", 1, 2, 0).leaves("FIN_WAIT2").out("A", 2, 2, 0)
			p.look("TIME_WAIT")
			again(p).goes("CLOSE", "SYN_SENT").out("S", 0, 0, 0)
			p.cookie--
			p.look("CLOSED").cookie++
			p.in("SA", 0, 1, 0).goes("SYN_SENT", "ESTABLISHED")
		}, [][]string{
			{"SYN_SENT 1", "ESTABLISHED 4", "FIN_WAIT1 5", "FIN_WAIT2 6", "TIME_WAIT 7", "CLOSED 9"},
			{"SYN_SENT 9", "ESTABLISHED 12"},
		}},
		{"a descriptor connects again after a RST, and a look sees only the second", func(p *tape) {
			p.watched().goes("CLOSE", "SYN_SENT").clientOpens().goes("SYN_SENT", "ESTABLISHED")
			p.in("RA", 1, 1, 0).goes("ESTABLISHED", "CLOSE")
			p.tr.Events[len(p.tr.Events)-1].Transition.Errno = "ECONNRESET"
			p.isn = [2]uint32{90000, 80000}
			p.goes("CLOSE", "SYN_SENT").clientOpens().goes("SYN_SENT", "ESTABLISHED")
			p.out("FA", 1, 1, 0).goes("ESTABLISHED", "FIN_WAIT1").in("A", 1, 2, 0)
			p.goes("FIN_WAIT1", "FIN_WAIT2").goes("FIN_WAIT2", "CLOSE").look("FIN_WAIT2")
		}, [][]string{
			{"SYN_SENT 1", "ESTABLISHED 4", "CLOSED 5"},
			{"SYN_SENT 5", "ESTABLISHED 8", "FIN_WAIT1 9", "FIN_WAIT2 10"},
		}},
		{"a look sees the second connect before its SYN is captured", func(p *tape) {
			p.watched().goes("CLOSE", "SYN_SENT").out("S", 0, 0, 0).in("RA", 0, 1, 0)
			p.goes("SYN_SENT", "CLOSE")
			again(p).goes("CLOSE", "SYN_SENT").look("SYN_SENT")
			p.tr.Events[len(p.tr.Events)-1].Socket.Took = 2 * ms
			p.out("S", 0, 0, 0).in("RA", 0, 1, 0)
			p.goes("SYN_SENT", "CLOSE").look("CLOSED")
		}, [][]string{{"SYN_SENT 1", "CLOSED 3"}, {"SYN_SENT 3", "CLOSED 6"}}},
		{"a connect fails because its ends are taken, and the next takes them", func(p *tape) {
			p.watched().goes("CLOSE", "SYN_SENT").clientOpens().goes("SYN_SENT", "ESTABLISHED")
			p.look("ESTABLISHED").cookie++
			p.goes("CLOSE", "SYN_SENT", "CLOSE").cookie--
			p.in("RA", 1, 1, 0).goes("ESTABLISHED", "CLOSE").look("CLOSED")
			again(p).cookie++
			p.goes("CLOSE", "SYN_SENT").clientOpens().goes("SYN_SENT", "ESTABLISHED")
		}, [][]string{
			{"SYN_SENT 1", "ESTABLISHED 4", "CLOSED 6"},
			{"SYN_SENT 7", "ESTABLISHED 10"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTape(t, "server")
			if test.want[0][0] == "SYN_SENT 1" {
				p = newTape(t, "client")
			}
			test.make(p)
			var got [][]string
			for _, s := range p.sockets() {
				got = append(got, timesOf(s.Paths[0]))
				if len(s.Paths) != 1 {
					t.Errorf("%s > %s went one of %d ways", s.Local, s.Remote, len(s.Paths))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}

// Of a listener that a program made, looks show only between which times it began and ended.
func TestWhenListenersBeginAndEnd(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(p *tape, look func(state string, last time.Duration))
		want []string
	}{
		{"a program made it", func(p *tape, look func(string, time.Duration)) {
			p.add(trace.Event{Start: &trace.Start{Actor: "server", Step: "exec", Op: "exec", N: 1}})
			p.now += 20 * ms
			look("LISTEN", 10*ms)
			p.now += 20 * ms
			look("CLOSED", 30*ms)
		}, []string{"LISTEN 10-22", "CLOSED 30-43"}},
		{"a program made it before the first look", func(p *tape, look func(string, time.Duration)) {
			p.add(trace.Event{Start: &trace.Start{Actor: "server", Step: "exec", Op: "exec", N: 1}})
			p.now += 20 * ms
			look("LISTEN", 0)
		}, []string{"LISTEN 1-22"}},
		{"a step made it", func(p *tape, look func(string, time.Duration)) {
			p.add(trace.Event{Step: &trace.Step{
				Actor: "server", ID: "listen", Op: "listen", N: 1, Began: p.now + ms, Cookie: 9,
				Local: "0.0.0.0:8080",
			}})
			look("LISTEN", 0)
		}, []string{"LISTEN 1"}},
		{"tracepoints show it", func(p *tape, look func(string, time.Duration)) {
			p.watched().add(trace.Event{Transition: &trace.Transition{
				TCPSocket: trace.TCPSocket{
					Host: "server", Cookie: 9, State: "LISTEN", Local: "0.0.0.0:8080", Remote: "0.0.0.0:0",
				},
				From: "CLOSE",
			}})
			p.now += 20 * ms
			look("LISTEN", ms)
		}, []string{"LISTEN 2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTape(t, "server")
			test.make(p, func(state string, last time.Duration) {
				p.add(trace.Event{Socket: &trace.Socket{
					Host: "server", Cookie: 9, Local: "0.0.0.0:8080", Remote: "0.0.0.0:0", State: state,
					Last: last,
				}})
			})
			if diff := cmp.Diff(test.want, p.times()); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}
