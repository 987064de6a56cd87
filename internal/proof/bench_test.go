package proof

import (
	"net/netip"
	"testing"
	"time"

	"halfopen/harness/trace"
)

// raw returns the frame of a segment without payload: 54 bytes.
func raw(p *tape, out bool, flags string, seq, ack int) []byte {
	p.packet(out, flags, seq, ack, 0)
	last := len(p.tr.Events) - 1
	frame := p.tr.Events[last].Packet().Frame
	p.tr.Events = p.tr.Events[:last]
	return frame
}

// transfer returns the trace of a connection with n segments, data and ACKs by turns, 5 µs apart, in
// which the client closes its side in the middle: in both halves every segment counts.
func transfer(b *testing.B, n int) *trace.Trace {
	p := newTape(b, "client")
	p.clientOpens().step("connect", "", 0)
	data, ack := raw(p, true, "A", 1, 1), raw(p, false, "A", 1, 1)
	for i := range n {
		frame := ack
		if i%2 == 0 {
			frame = data
		}
		if i == n/2 {
			p.step("shutdown", "", 0).out("FA", 1, 1, 0)
			data, ack = raw(p, true, "A", 2, 1), raw(p, false, "A", 1, 2)
		}
		p.now += 5 * time.Microsecond
		p.tr.Add(trace.Event{T: p.now, Packet: &trace.Packet{
			LinkEnd: &trace.LinkEnd{Host: "client", Device: "eth0"}, Out: i%2 == 0, Frame: frame, Length: len(frame),
		}})
	}
	p.add(trace.Event{End: &trace.End{Reason: trace.EndDone, Looked: p.now}})
	return &p.tr
}

// flooded returns the trace of a server that gets n SYNs, each from another address, and answers.
func flooded(b *testing.B, n int) *trace.Trace {
	p := newTape(b, "server")
	syn, answer := raw(p, false, "S", 0, 0), raw(p, true, "SA", 0, 1)
	for i := range n {
		from := netip.AddrFrom4([4]byte{198, 19, byte(i >> 8), byte(i)}).AsSlice()
		port := byte(i >> 16)
		for _, out := range []bool{false, true} {
			frame := append([]byte(nil), syn...)
			addr, at := frame[26:30], 34
			if out {
				frame = append([]byte(nil), answer...)
				addr, at = frame[30:34], 36
			}
			copy(addr, from)
			frame[at] = port
			p.now += 5 * time.Microsecond
			p.tr.Add(trace.Event{T: p.now, Packet: &trace.Packet{
				LinkEnd: &trace.LinkEnd{Host: "server", Device: "eth0"}, Out: out, Frame: frame, Length: len(frame),
			}})
		}
	}
	p.add(trace.Event{End: &trace.End{Reason: trace.EndDone, Looked: p.now}})
	return &p.tr
}

func BenchmarkSockets(b *testing.B) {
	for _, bench := range []struct {
		name   string
		faults string
		tr     func(*testing.B) *trace.Trace
	}{
		{"a transfer of 1M packets", "", func(b *testing.B) *trace.Trace { return transfer(b, 1e6) }},
		{
			"a transfer of 1M packets, with a fault at the host", "input output forges",
			func(b *testing.B) *trace.Trace { return transfer(b, 1e6) },
		},
		{"a flood of 100k SYNs", "", func(b *testing.B) *trace.Trace { return flooded(b, 1e5) }},
		{
			"a flood of 100k SYNs, with a fault at the host and SYN cookies", "input output",
			func(b *testing.B) *trace.Trace {
				tr := flooded(b, 1e5)
				tr.Add(trace.Event{Counters: &trace.Counters{
					Host: "server", At: trace.After,
					Values: map[string]int64{"TcpExt.SyncookiesSent": 1e5},
				}})
				return tr
			},
		},
	} {
		b.Run(bench.name, func(b *testing.B) {
			tr := bench.tr(b)
			p := &tape{faults: bench.faults}
			b.ReportAllocs()
			for b.Loop() {
				Sockets(tr, p.scene())
			}
		})
	}
}
