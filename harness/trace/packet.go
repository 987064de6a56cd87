package trace

import "halfopen/internal/packet"

// Decoded is what a frame says: addresses, ports, flags, options, payload.
type Decoded = packet.Decoded

// Flow is the place of a packet in its connection.
type Flow = packet.Flow

// Effect is what a fault did to a packet.
type Effect = packet.Effect

// Packet is a packet seen at one end of a link.
type Packet struct {
	// Host and Device are where it was seen.
	Host   string `json:"host"`
	Device string `json:"device"`
	// Out is true where the host sent it, false where it received it.
	Out bool `json:"out,omitempty"`
	// Frame is the frame from its link layer header on, as much of it as the capture keeps.
	Frame []byte `json:"frame"`
	// Length is the length of the whole frame in bytes.
	Length int `json:"length"`
	// Summary is the packet in one line, for people who read the file.
	Summary string `json:"summary,omitempty"`

	decoded *Decoded
}

// Decode reads the packet's frame, once; later calls return the same value. It must not be called from two goroutines at
// once.
func (p *Packet) Decode() *Decoded {
	if p.decoded == nil {
		d := packet.Decode(p.Frame)
		p.decoded = &d
	}
	return p.decoded
}

// Flows returns the flow of each event of the trace, by its index; the zero Flow for those that are not packets.
func (t *Trace) Flows() []Flow {
	flows, tracker := make([]Flow, len(t.Events)), packet.NewFlows()
	for i := range t.Events {
		if p := t.Events[i].Packet; p != nil {
			flows[i] = tracker.Track(p.Decode(), p.Host, p.Device, p.Out)
		}
	}
	return flows
}
