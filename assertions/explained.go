package assertions

import (
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// measure returns how much of a run's lateness between two times may explain a failure.
type measure func(l *trace.Lateness, from, until time.Duration) time.Duration

// all is for durations that are too long: everything that was late during one made it longer.
func all(l *trace.Lateness, from, until time.Duration) time.Duration { return l.Within(from, until) }

// once is for one thing that happened too late: it counts one lateness. It is also for durations that
// are too short: the event that they count from was late.
func once(l *trace.Lateness, from, until time.Duration) time.Duration { return l.Once(from, until) }

// near is for things on the wrong side of an event or of a packet: it counts one lateness. The effects
// of an event come right after it on any machine, so lateness below [worthSaying] does not count.
func near(l *trace.Lateness, from, until time.Duration) time.Duration {
	if by := l.Once(from, until); by >= worthSaying {
		return by
	}
	return 0
}

// onWay is for round trips that the kernel measured: it counts one packet, there and back. Other
// things that were late at that time do not make a round trip longer.
func onWay(l *trace.Lateness, from, until time.Duration) time.Duration { return l.OnWay(from, until) }

// rto is for the retransmission timeout: after the first round trip R it is 3 R, later the mean of the
// round trips plus four times their deviation (tcp_rtt_estimator in net/ipv4/tcp_input.c).
func rto(l *trace.Lateness, from, until time.Duration) time.Duration { return 3 * l.OnWay(from, until) }

// explanation says which lateness may explain a failure: more for a property that is too long, too
// late or too large, less for one that is too short, too early or too small. nil means none.
type explanation struct{ more, less measure }

// explained has each property that expectations judge, named by the kind of the expectation and its
// key, or by a field of tcp_info (tcp_get_info in net/ipv4/tcp.c). A property without an explanation,
// or without an entry, fails at once.
var explained = map[string]explanation{
	// Durations. Whatever was late in them adds up; if the beginning was late, they are too short.
	"step took": {all, once}, "step at": {all, once}, "process took": {all, once},
	"packets gaps": {all, once}, "packets at": {all, once}, "drops at": {all, once},
	"reaches at": {all, once}, "holds for": {all, once}, "log at": {all, once}, "calls took": {all, once},

	// Whether something is before or after an event. Without an event the whole run counts, and nothing
	// is too early or too late.
	"packets since": {near, near}, "packets until": {near, near}, "step since": {near, near},
	"holds from": {near, near}, "holds until": {near, near},
	"never from": {near, near}, "never until": {near, near}, "sockets when": {near, near},
	// Packets of two ways may pass each other. Those of one way never do.
	"packets sequence": {near, near},
	// Sockets that are closed late overlap with others; sockets that are opened late do not.
	"sockets peak": {near, near},

	// Only a late packet makes a round trip longer, and nothing makes one shorter.
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

	// A number of executions is explained by the took and at of those that are not as wanted.
	"step count": {},
	// Errors, payloads and states have no time. If two actors race for one, no machine promises which is
	// first: the scenario must make the order.
	"step error": {}, "step result": {}, "step bytes": {}, "step value": {}, "step values": {},
	"step text": {}, "step sha256": {}, "step peer": {}, "process exit": {}, "process signal": {},
	"process stdout": {}, "process stderr": {}, "path states": {},
	// A step that hangs has no end that could be late. If it ends, something ended it.
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
	// A program prints what it prints. A line next to since is one that the scenario must place.
	"log count": {}, "log since": {},
	// The took of calls that are not as wanted may explain their number.
	"calls count": {}, "calls since": {}, "calls error": {}, "calls result": {}, "calls hangs": {},
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

// valueMargin returns by how much a time that the kernel measured, read by a step, is outside of the
// wanted range. ok is false for a value in the range, and for a field that does not hold a time.
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

// leastLate returns when one round trip of a step's socket began and ended: the one whose packets were
// the least late. Each packet that came to the socket, until the step, ended a round trip of the given
// length. If none came, it is the whole time until the step.
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
