package language

import (
	"cmp"

	"halfopen/internal/code"
)

// PacketEvent is the event that the nth packet of a selector has come to a place. It goes on when
// everything that the event sets off is done, and meets the faults there as they were before.
type PacketEvent struct {
	Packet Selector `json:"packet" jsonschema_description:"Which packets."`
	At     string   `json:"at,omitempty" jsonschema_description:"Where they are seen: wire (default), HOST.input or HOST.output. Without a wire the default is the receiver's input."`
	Nth    int      `json:"nth,omitempty" jsonschema_description:"Which of the packets, counted from 1. Default: the first."`
}

func (p *PacketEvent) event() Event { return Event{Kind: EventPacket, N: max(p.Nth, 1), Packet: p} }

// Place returns where the packets are seen: as the file says or, in a scenario without a wire, at the
// input of the receiver, if it is one.
func (p *PacketEvent) Place(s *Scenario) string { return cmp.Or(p.At, s.inputOf(&p.Packet), Wire) }

func (p *PacketEvent) check(v *validation, pos Pos) bool {
	before := len(v.errs)
	v.selector(&p.Packet, pos)
	if p.Packet.ARP != "" {
		v.errorf(code.Unsupported, &p.Packet.ARP, pos,
			"arp is for expectations only: events are of IP packets")
	}
	if p.Place(v.s) != v.s.inputOf(&p.Packet) {
		v.place(&p.Packet, &p.At, pos)
	}
	v.nth(&p.Nth, pos, p.Nth, "packets")
	return len(v.errs) == before
}

func (p *PacketEvent) watched(s *Scenario) string {
	return "by nfqueue at " + p.Place(s) + ", which changes no packet"
}
