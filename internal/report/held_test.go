package report

import (
	"strings"
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// A SYN-ACK is sent at 1 ms, and the run ends after 300 ms.
func TestPacketsHeldAtTheEnd(t *testing.T) {
	delay := language.Action{Delay: &language.Delay{By: language.Duration(2 * time.Second)}}
	hold := language.Action{Hold: &language.Hold{Until: "client.sleep"}}
	rate := language.Action{Rate: &language.Rate{}}
	hit := func(effect trace.Effect, by time.Duration) *trace.Fault {
		return &trace.Fault{Name: "slow", What: trace.FaultHit, Hits: 1, Effect: effect, By: by}
	}
	for name, c := range map[string]struct {
		fault language.Fault
		// hit is the report of the fault's mechanism, at 1.1 ms; nil if it reports no single hits.
		hit *trace.Fault
		// way is what happens to the packet: it is lost, it arrives, or it never leaves the server.
		way string
		// slept is when client.sleep ends, 0 for never.
		slept time.Duration
		want  string
	}{
		"a delay on the wire":                        {language.Fault{Do: delay}, hit("delayed", 2*time.Second), "lost", 0, " held by slow at the end ├─"},
		"a delay that was over":                      {language.Fault{Do: delay}, hit("delayed", 20*ms), "lost", 0, "│                          ✗─"},
		"a delay at the receiver's input":            {language.Fault{Do: delay, At: "client.input"}, hit("delayed", 2*time.Second), "arrives", 0, " held by slow at the end ├─"},
		"a delay at the input that was over":         {language.Fault{Do: delay, At: "client.input"}, hit("delayed", 20*ms), "arrives", 0, "win=65160 mss=1460 (→20ms slow) ──│"},
		"a delay at the sender's output":             {language.Fault{Do: delay, At: "server.output"}, hit("delayed", 2*time.Second), "stays", 0, " held by slow at the end ├─"},
		"a delay at the output that was over":        {language.Fault{Do: delay, At: "server.output"}, hit("delayed", 0), "arrives", 0, "win=65160 mss=1460 (→0s slow) ──│"},
		"a drop at the sender's output":              {language.Fault{Do: language.Action{Drop: &language.Drop{}}, At: "server.output"}, hit("dropped", 0), "stays", 0, " slow ✗─"},
		"a hold on the wire":                         {language.Fault{Do: hold}, hit("held", 0), "lost", 0, " held by slow at the end ├─"},
		"a hold at the input whose event never came": {language.Fault{Do: hold, At: "client.input"}, hit("held", 0), "arrives", 0, " held by slow at the end ├─"},
		"a hold at the input whose event came":       {language.Fault{Do: hold, At: "client.input"}, hit("held", 0), "arrives", 100 * ms, "win=65160 mss=1460 (held slow) ──│"},
		"a reordering that nothing overtook":         {language.Fault{Do: language.Action{Reorder: &language.Reorder{}}}, hit("reordered", 0), "lost", 0, " held by slow at the end ├─"},
		"a rate by tc":                               {language.Fault{Do: rate}, nil, "lost", 0, " held by slow at the end ├─"},
		"a rate by tc for other packets":             {language.Fault{Do: rate, Match: language.Selector{From: "client"}}, nil, "lost", 0, "│                          ✗─"},
		"a rate by tc whose queue is full":           {language.Fault{Do: language.Action{Rate: &language.Rate{Queue: 50}}}, nil, "lost", 0, "│                          ✗─"},
		"a fault that holds nothing":                 {language.Fault{Do: language.Action{Duplicate: &language.Duplicate{}}}, hit("duplicated", 0), "lost", 0, "│                          ✗─"},
	} {
		t.Run(name, func(t *testing.T) {
			c.fault.Name = "slow"
			s := &language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}, Faults: []language.Fault{c.fault}, Actors: []language.Actor{
				{Name: "client", Host: "client", Steps: []language.Step{{Op: language.Op{Connect: &language.Connect{}}}}},
			}}
			l := newLab(t, false)
			synack := l.tcp(seg{from: "server", flags: "SA", seq: 9, ack: 1, win: 65160})
			if f := c.hit; f != nil {
				f.Packet, f.Host = synack[14:], "wire"
				if host, _, ok := strings.Cut(c.fault.At, "."); ok {
					f.Host = host
				}
				l.add(start+1100*time.Microsecond, trace.Event{Fault: f})
			}
			switch {
			case c.way == "lost":
				l.lose(ms, "server", synack)
			case c.way == "arrives" && c.fault.At == "server.output":
				l.pass(2*ms, 0, "server", synack)
			case c.way == "arrives":
				l.pass(ms, 0, "server", synack)
			}
			if c.slept > 0 {
				l.step(0, c.slept, trace.Step{Actor: "client", Op: "sleep"})
			}
			l.add(start+250*ms, trace.Event{Fault: &trace.Fault{Name: "slow", What: trace.FaultHits, Hits: 1}})
			got := Ladder(s, l.end(300*ms), LadderOptions{})
			if n := strings.Count(got, "SYN-ACK"); n != 1 || !strings.Contains(got, c.want) {
				t.Errorf("want one row with %q, got\n%s", c.want, got)
			}
		})
	}
}

func TestHeldPacketsInASCII(t *testing.T) {
	s := &language.Scenario{Faults: []language.Fault{{Name: "a-name-of-thirty-two-characters-x", Do: language.Action{Rate: &language.Rate{}}}}}
	l := newLab(t, false)
	l.lose(0, "client", l.tcp(seg{from: "client", flags: "S", seq: 9}))
	got := Ladder(s, l.end(300*ms), LadderOptions{ASCII: true, Width: 80})
	if want := "|-- SYN ... --| held by a-name-of-thirty-two-chara...|"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}
