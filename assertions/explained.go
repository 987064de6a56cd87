package assertions

import (
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// measure is how much of a run's lateness, between two times, may explain a failure.
type measure func(l *trace.Lateness, from, until time.Duration) time.Duration

// all is for a duration that is too long: whatever was late in it made it longer.
func all(l *trace.Lateness, from, until time.Duration) time.Duration { return l.Within(from, until) }

// once is for one thing that happened too late: one lateness. A duration that is too short is of this
// kind, because what it counts from was late.
func once(l *trace.Lateness, from, until time.Duration) time.Duration { return l.Once(from, until) }

// near is for things on the wrong side of an event or of a packet: one lateness. What an event causes
// is near it, too, on any machine, so only lateness of [worthSaying] counts.
func near(l *trace.Lateness, from, until time.Duration) time.Duration {
	if by := l.Once(from, until); by >= worthSaying {
		return by
	}
	return 0
}

// onWay is for a round trip that the kernel measured: one packet, there and back. It does not grow by
// what else was late meanwhile.
func onWay(l *trace.Lateness, from, until time.Duration) time.Duration { return l.OnWay(from, until) }

// rto is for the retransmission timeout: after the first round trip of R it is 3 R, later a mean of
// them and four times their deviation (tcp_rtt_estimator in net/ipv4/tcp_input.c).
func rto(l *trace.Lateness, from, until time.Duration) time.Duration { return 3 * l.OnWay(from, until) }

// explanation says which lateness may explain that something is too long, too late or too much, and
// that it is too short, too early or too little; nil if none does.
type explanation struct{ more, less measure }

// explained has each property that expectations judge: the kind of the expectation and its key, or a
// field of tcp_info (tcp_get_info in net/ipv4/tcp.c). One that is not explained, or not here, fails at
// once.
var explained = map[string]explanation{
	// Durations. Whatever was late in them adds up; if the beginning was late, they are too short.
	"step took": {all, once}, "step at": {all, once}, "process took": {all, once},
	"packets gaps": {all, once}, "packets at": {all, once}, "drops at": {all, once},
	"reaches at": {all, once}, "holds for": {all, once},

	// Whether something is on this side of an event or on that. Without an event the time is the whole
	// run, for which nothing is too early or too late.
	"packets since": {near, near}, "packets until": {near, near}, "step since": {near, near},
	"holds from": {near, near}, "holds until": {near, near},
	"never from": {near, near}, "never until": {near, near}, "sockets when": {near, near},
	// Packets of two ways may pass each other. Those of one way never do.
	"packets sequence": {near, near},
	// What is closed or opened late is there together with others, or not.
	"sockets peak": {near, near},

	// A packet that is late lengthens a round trip, by itself: what else was late meanwhile does not.
	// None becomes shorter.
	"rtt": {more: onWay}, "rttvar": {more: onWay}, "rcv_rtt": {more: onWay},
	"min_rtt": {more: onWay}, // of the round trip that was the least late
	"rto":     {more: rto},
	// The time between two segments that came in.
	"ato": {once, once},
	// Times since the socket began to send, and since its last packets, up to the step.
	"busy_time": {all, once}, "rwnd_limited": {all, once}, "sndbuf_limited": {all, once},
	"total_rto_time": {all, once}, "last_data_sent": {all, once}, "last_ack_sent": {all, once},
	"last_data_recv": {all, once}, "last_ack_recv": {all, once},

	// The run would have ended before its deadline.
	"end deadline": {more: all},

	// Only executions with a wrong took or at count, each by that.
	"step count": {},
	// What packets and steps made of errors, payloads and states has no time. Where two actors race for
	// it, no machine promises the order, and the scenario must make it.
	"step error": {}, "step result": {}, "step bytes": {}, "step value": {}, "step values": {},
	"step text": {}, "step sha256": {}, "step peer": {}, "process exit": {}, "process signal": {},
	"process stdout": {}, "process stderr": {}, "path states": {},
	// A step that hangs has no end that could be late. If it does end, something ended it.
	"step hangs": {},
	// Packets of the whole run, the hits of faults, counters and drops have no time. Lateness can add one:
	// an acknowledgement that is late by 200 ms (TCP_RTO_MIN) makes a retransmission, one that is late by
	// two round trips a tail loss probe. But so does one that is lost, which is what these properties
	// are for, and the numbers do not say which it was. So they fail at once.
	"packets count": {}, "packets none": {}, "packets seen-by": {}, "counters counters": {},
	"fault hits": {}, "drops count": {}, "drops none": {}, "drops since": {},
	// Queues and timers change between two looks: no lateness says that there was another value to see.
	"reaches recv-q": {}, "reaches send-q": {}, "reaches timer": {}, "reaches retrans": {},
	"reaches since": {}, // its at counts from there
	// A number at the end of the run, when nothing is awaited any more.
	"sockets count": {},
}

// explains returns how much of the lateness explains a margin.
func (m *margin) explains(l *trace.Lateness) time.Duration {
	by := explained[m.rule].more
	if m.less {
		by = explained[m.rule].less
	}
	if by == nil {
		return 0
	}
	return by(l, m.from, m.until)
}

// valueMargin returns by how much a field that the kernel had measured, read by a step, is not as
// wanted; ok is false if it is, or if it is no time.
func (ev *evidence) valueMargin(
	field *language.InfoVal, got int64, read *trace.Entry,
) (m margin, ok bool) {
	at, unit := read.T, field.Unit()
	if field.Is.Contains(got) || unit == 0 {
		return m, false
	}
	m = margin{rule: field.Name, from: ev.started, until: at}
	if got < field.Is.Min {
		m.by, m.less = time.Duration(field.Is.Min-got)*unit, true
		return m, true
	}
	m.by = time.Duration(got-field.Is.Max) * unit
	switch field.Name {
	case "rtt", "rttvar", "rcv_rtt", "rto":
		const samples = 8 // they are means, most of which come from the last eight
		m.from = max(m.from, at-samples*time.Duration(got)*unit)
	case "min_rtt":
		m.from, m.until = ev.leastLate(read.Step, time.Duration(got)*unit, at)
	case "last_data_sent", "last_ack_sent", "last_data_recv", "last_ack_recv":
		m.from = max(m.from, at-time.Duration(got)*unit)
	}
	return m, true
}

// leastLate returns the time of the round trip of some length, of those that ended with a packet that
// came to the socket of a step up to a time, in which packets were the least late. All of that time if
// none came.
func (ev *evidence) leastLate(
	step *trace.Step, length, upTo time.Duration,
) (from, until time.Duration) {
	from, until = ev.started, upTo
	least := ev.lateness.OnWay(from, until)
	local, remote := addrPort(step.Local), addrPort(step.Remote)
	for _, i := range ev.packets {
		if least == 0 {
			break
		}
		e := &ev.t.Events[i]
		p := e.Packet()
		if p.Out || p.Host != ev.scene.Host(step.Actor) || e.T > upTo {
			continue
		}
		by := ev.lateness.OnWay(e.T-length, e.T)
		if by >= least {
			continue
		}
		// Packets have other addresses than their sockets where something translates them.
		way := ev.way(i)
		if local.IsValid() && remote.IsValid() && !ev.scene.Translates(p.Host) &&
			(way[0] != remote || way[1] != local) {
			continue
		}
		least, from, until = by, e.T-length, e.T
	}
	return from, until
}
