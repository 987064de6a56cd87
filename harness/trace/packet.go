package trace

import (
	"time"

	"halfopen/internal/packet"
)

// Decoded is a frame taken apart: addresses, ports, flags, options, payload.
type Decoded = packet.Decoded

// Effect is what a fault did to a packet.
type Effect = packet.Effect

// LinkEnd says where packets were seen.
type LinkEnd struct {
	Host   string `json:"host,omitempty"`
	Device string `json:"device,omitempty"`
}

// Packet is a packet seen at one end of a link.
type Packet struct {
	// Number is the place of the packet in the capture that is stored with the trace, from 1, as
	// Wireshark counts. It is 0 in traces that are not stored, and in those of earlier versions,
	// whose packets have their frames in the trace.
	Number uint32 `json:"number,omitempty"`
	// Out is true if the host sent it, false if the host received it.
	Out bool `json:"out,omitempty"`
	// LinkEnd is never nil in a trace.
	*LinkEnd
	// Frame has the bytes from the link layer header on, as many as the capture keeps. Those of a packet
	// of a trace must not be changed.
	Frame []byte `json:"frame,omitempty"`
	// Length is the length of the whole frame in bytes.
	Length int `json:"length,omitempty"`
}

// Decode decodes the packet's frame. Each call does so: the fields of a packet take more memory
// than its frame, and a trace has very many packets.
func (p Packet) Decode() *Decoded {
	d := packet.Decode(p.Frame)
	return &d
}

// reference is a packet in a stored trace: its number, and for people who read the file its link end,
// direction, length and summary.
type reference struct {
	Number  int    `json:"number"`
	Host    string `json:"host,omitempty"`
	Device  string `json:"device,omitempty"`
	Out     bool   `json:"out,omitempty"`
	Length  int    `json:"length,omitempty"`
	Summary string `json:"summary,omitempty"`
}

// referringEvent is an event of a stored trace that is a packet.
type referringEvent struct {
	T      time.Duration `json:"t"`
	Packet reference     `json:"packet"`
}

func (p *Packet) referring(at time.Duration, number int) *referringEvent {
	return &referringEvent{at, reference{
		Number: number, Host: p.Host, Device: p.Device, Out: p.Out, Length: p.Length,
		Summary: packet.Summarize(p.Decode()),
	}}
}
