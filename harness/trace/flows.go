package trace

import "halfopen/internal/packet"

// Flow is the place of a packet in its connection.
type Flow = packet.Flow

// Flows has the flow of each event of a trace, by its index there.
type Flows struct{ of []smallFlow }

// smallFlow is a Flow that takes half of the memory.
type smallFlow struct {
	seq, ack                        int64
	conn                            uint32
	opener, retransmission, partial bool
	// behind is set if the Offset is one less than Seq, which counts the SYN; else they are equal.
	behind bool
}

// Flows returns the flow of each event. Events that are not packets have the zero Flow.
func (t *Trace) Flows() *Flows {
	flows, tracker := &Flows{make([]smallFlow, len(t.Events))}, packet.NewFlows()
	for i := range t.Events {
		if !t.Events[i].IsPacket() {
			continue
		}
		p := t.Events[i].Packet()
		flows.of[i] = small(tracker.Track(p.Decode(), p.Host, p.Device, p.Out))
	}
	return flows
}

// At returns the flow of the event with an index.
func (f *Flows) At(i int) Flow { return f.of[i].flow() }

func small(f Flow) smallFlow {
	return smallFlow{
		f.Seq, f.Ack, uint32(f.Conn), f.Opener, f.Retransmission, f.Partial, f.Offset < f.Seq,
	}
}

func (s *smallFlow) flow() Flow {
	flow := Flow{
		Conn: int(s.conn), Seq: s.seq, Ack: s.ack, Offset: s.seq,
		Opener: s.opener, Retransmission: s.retransmission, Partial: s.partial,
	}
	if s.behind {
		flow.Offset--
	}
	return flow
}
