package report

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// A kernel's own drops are drawn with their reasons, and those that a fault explains with its name.
func TestDropsOfTheKernel(t *testing.T) {
	drops := func(name, at string) language.Fault {
		return language.Fault{Name: name, At: at, Chance: new(language.Percent), Do: language.Action{Drop: &language.Drop{}}}
	}
	dropped := func(l *lab, at time.Duration, host, reason string, frame []byte) {
		d := &trace.Drop{TCPSocket: trace.TCPSocket{Host: host}, Reason: reason}
		if frame != nil {
			d.Packet = frame[14:]
		}
		l.add(start+at, trace.Event{Drop: d})
	}
	const syn = "SYN seq=0 win=0 mss=1460"
	for name, test := range map[string]struct {
		faults []language.Fault
		width  int
		happen func(*lab, []byte)
		// want are the rows, without times, lines and blanks.
		want []string
	}{
		"a segment that the receiver's kernel discards": {
			happen: func(l *lab, syn []byte) {
				l.pass(0, 0, "client", syn)
				dropped(l, 50*time.Microsecond, "server", "NO_SOCKET", syn)
			},
			want: []string{syn + " ✗ kernel: NO_SOCKET"},
		},
		"one with a time just before its capture": {
			happen: func(l *lab, syn []byte) {
				l.pass(ms, 0, "client", syn)
				dropped(l, ms-20*time.Microsecond, "server", "NO_SOCKET", syn)
			},
			want: []string{syn + " ✗ kernel: NO_SOCKET"},
		},
		"one that the wire discards": {
			happen: func(l *lab, syn []byte) {
				l.lose(0, "client", syn)
				dropped(l, 3*time.Second, "wire", "NEIGH_FAILED", syn)
			},
			want: []string{syn + " ✗ kernel: NEIGH_FAILED"},
		},
		"the second of two that are alike": {
			happen: func(l *lab, syn []byte) {
				l.pass(0, 0, "client", syn)
				l.pass(ms, 0, "client", syn)
				dropped(l, 2*ms, "server", "TCP_OLD_DATA", syn)
			},
			want: []string{syn + " ►", "SYN again seq=0 win=0 mss=1460 ✗ kernel: TCP_OLD_DATA"},
		},
		"both of two that are alike": {
			happen: func(l *lab, syn []byte) {
				l.pass(0, 0, "client", syn)
				dropped(l, ms/2, "server", "TCP_CSUM", syn)
				l.pass(ms, 0, "client", syn)
				dropped(l, 2*ms, "server", "TCP_OLD_DATA", syn)
			},
			want: []string{syn + " ✗ kernel: TCP_CSUM", "SYN again seq=0 win=0 mss=1460 ✗ kernel: TCP_OLD_DATA"},
		},
		"one that came late": {
			faults: []language.Fault{{Name: "slow", Do: language.Action{Delay: &language.Delay{By: language.Duration(50 * ms)}}}},
			width:  140,
			happen: func(l *lab, syn []byte) {
				l.pass(0, 50*ms, "client", syn)
				dropped(l, 51*ms, "server", "TCP_CSUM", syn)
			},
			want: []string{syn + " ✗ kernel: TCP_CSUM (arrives 0.050, 50ms late)"},
		},
		"little room": {
			width: 60,
			happen: func(l *lab, syn []byte) {
				l.pass(0, 0, "client", syn)
				dropped(l, ms, "server", "TCP_INVALID_SYN", syn)
			},
			want: []string{"SYN … ✗ TCP_INVALID_SYN"},
		},
		"what was received, and was used or is not known to be lost": {
			happen: func(l *lab, syn []byte) {
				l.pass(0, 0, "client", syn)
				dropped(l, ms, "server", "QUEUE_PURGE", syn)
				dropped(l, ms, "server", "NOT_SPECIFIED", syn)
			},
			want: []string{syn + " ►"},
		},
		"what only a fault can have dropped": {
			faults: []language.Fault{drops("loss", ""), drops("elsewhere", "server.input")},
			happen: func(l *lab, syn []byte) {
				l.lose(0, "client", syn)
				dropped(l, ms, "wire", "NETFILTER_DROP", syn)
			},
			want: []string{syn + " ✗ loss"},
		},
		"what one of two faults dropped": {
			faults: []language.Fault{drops("loss", ""), drops("another", "wire")},
			happen: func(l *lab, syn []byte) {
				l.lose(0, "client", syn)
				dropped(l, ms, "wire", "NETFILTER_DROP", syn)
			},
			want: []string{syn + " ✗ kernel: NETFILTER_DROP"},
		},
		"what a fault reported": {
			faults: []language.Fault{drops("loss", ""), drops("another", "wire")},
			happen: func(l *lab, syn []byte) {
				l.lose(0, "client", syn)
				l.add(start+ms/2, trace.Event{Fault: &trace.Fault{Name: "loss", What: trace.FaultHit, Hits: 1, Host: "wire", Effect: "dropped", Packet: syn[14:]}})
				dropped(l, ms, "wire", "NETFILTER_DROP", syn)
			},
			want: []string{syn + " ✗ loss"},
		},
		"a segment that never left its host": {
			happen: func(l *lab, syn []byte) { dropped(l, ms, "client", "IP_OUTNOROUTES", syn) },
			want:   []string{syn + " ✗ kernel: IP_OUTNOROUTES"},
		},
		"one that a fault kept there": {
			faults: []language.Fault{drops("mute", "client.output")},
			happen: func(l *lab, syn []byte) { dropped(l, ms, "client", "NETFILTER_DROP", syn) },
			want:   []string{syn + " ✗ mute"},
		},
		"one that no link end saw and the host did not send": {
			happen: func(l *lab, syn []byte) { dropped(l, ms, "server", "NO_SOCKET", syn) },
		},
		"one without a header": {
			happen: func(l *lab, _ []byte) { dropped(l, ms, "client", "IP_OUTNOROUTES", nil) },
			want:   []string{"✗ kernel: IP_OUTNOROUTES"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &language.Scenario{Hosts: []language.Host{{Name: "client"}, {Name: "server"}}, Faults: test.faults}
			l := newLab(t, false)
			test.happen(l, l.tcp(seg{from: "client", flags: "S", seq: 1}))
			text := Ladder(s, l.end(5*time.Second), LadderOptions{Width: test.width})
			if got := rowsOf(text); strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("want %q, got %q in\n%s", test.want, got, text)
			}
		})
	}
}

// rowsOf returns what the rows of a ladder say, without times, the lines of hosts and arrows, and
// without states.
func rowsOf(ladder string) []string {
	times := regexp.MustCompile(`^ *[0-9.]+ +(\+[0-9.]+)?`)
	lines := regexp.MustCompile(`[ │─┼]+`)
	var rows []string
	for _, line := range strings.Split(strings.TrimSpace(ladder), "\n")[1:] {
		row := strings.TrimSpace(lines.ReplaceAllString(times.ReplaceAllString(line, ""), " "))
		if !strings.HasPrefix(row, "[") {
			rows = append(rows, row)
		}
	}
	return rows
}

// A probe is old on purpose, and has its answer.
func TestAProbeThatWasAnsweredIsNotDrawnAsDropped(t *testing.T) {
	for name, test := range map[string]struct {
		seq  uint32
		want string
	}{
		"a probe":           {5, "ACK probe seq=5 ack=1 win=0 ►"},
		"any other old ACK": {4, "ACK seq=4 ack=1 win=0 ✗ kernel: TCP_OLD_SEQUENCE"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, false)
			l.pass(0, 0, "client", l.tcp(seg{from: "client", flags: "S", seq: 0}))
			l.pass(ms, 0, "server", l.tcp(seg{from: "server", flags: "SA", seq: 0, ack: 1}))
			l.pass(2*ms, 0, "client", l.tcp(seg{from: "client", flags: "A", seq: 1, ack: 1, data: "hello"}))
			l.pass(3*ms, 0, "server", l.tcp(seg{from: "server", flags: "A", seq: 1, ack: 6}))
			old := l.tcp(seg{from: "client", flags: "A", seq: test.seq, ack: 1})
			l.pass(4*ms, 0, "client", old)
			l.add(start+5*ms, trace.Event{Drop: &trace.Drop{TCPSocket: trace.TCPSocket{Host: "server"}, Reason: "TCP_OLD_SEQUENCE", Packet: old[14:]}})
			text := Ladder(&language.Scenario{}, l.end(time.Second), LadderOptions{})
			if got := rowsOf(text)[4]; got != test.want {
				t.Errorf("want %q, got %q in\n%s", test.want, got, text)
			}
		})
	}
}

func TestRSTsHaveTheKernelsReason(t *testing.T) {
	for name, test := range map[string]struct {
		reset trace.Reset
		want  string
	}{
		"one of its own accord":     {trace.Reset{Reason: "TCP_ABORT_ON_CLOSE"}, "RST seq=0 (kernel: TCP_ABORT_ON_CLOSE) ►"},
		"an answer":                 {trace.Reset{Reason: "NO_SOCKET", Answers: true}, "RST seq=0 ►"},
		"one received":              {trace.Reset{Reason: "x", Received: true}, "RST seq=0 ►"},
		"one without a reason":      {trace.Reset{}, "RST seq=0 ►"},
		"one of another connection": {trace.Reset{Reason: "x", TCPSocket: trace.TCPSocket{Remote: "198.18.2.2:9"}}, "RST seq=0 ►"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, false)
			l.pass(ms, 0, "client", l.tcp(seg{from: "client", flags: "R", seq: 1}))
			r := test.reset
			r.Host, r.Local = "client", "198.18.1.2:40000"
			if r.Remote == "" {
				r.Remote = "198.18.2.2:8080"
			}
			l.add(start+ms-10*time.Microsecond, trace.Event{Reset: &r})
			text := Ladder(&language.Scenario{}, l.end(time.Second), LadderOptions{})
			if got := strings.Replace(rowsOf(text)[0], "seq=1", "seq=0", 1); got != test.want {
				t.Errorf("want %q, got %q in\n%s", test.want, got, text)
			}
		})
	}
}
