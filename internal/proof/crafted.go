package proof

import (
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
)

// crafted is a packet that an actor sent by a raw socket.
type crafted struct {
	window
	// d is the packet; nil in traces of earlier versions.
	d *packet.Decoded
	// seen is true once the packet was found.
	seen bool
}

// is reports whether a packet at a time is the crafted one. It is captured after the system call
// began, and much later if a fault keeps it. In traces of earlier versions every packet between its
// ends while the step took place may be it.
func (c *crafted) is(at time.Duration, d *packet.Decoded) bool {
	if c.d == nil {
		return c.has(at)
	}
	return !c.seen && at >= c.from-slack && c.d.Seq == d.Seq && c.d.Ack == d.Ack &&
		c.d.Flags == d.Flags && c.d.PayloadLen == d.PayloadLen
}

// craft notes the packet of a segment step.
func (h *host) craft(s *trace.Step, w window) {
	c := &crafted{window: w}
	at, ok := parseEnds(s.Local, s.Remote)
	if len(s.Packet) > 0 {
		d := packet.DecodeIP(s.Packet)
		d.PayloadLen = int(s.Bytes) // the payload is not kept
		c.d, ok = &d, d.Proto == "tcp"
		at = ends{netip.AddrPortFrom(d.Src.Unmap(), d.SPort), netip.AddrPortFrom(d.Dst.Unmap(), d.DPort)}
	}
	switch {
	case ok:
		h.crafted[at] = append(h.crafted[at], c)
	case c.d == nil && s.Result > 0: // the socket's connection had ended: its peer is not known
		h.crafted[ends{}] = append(h.crafted[ends{}], c)
	}
}

// isCrafted reports whether an actor may have sent a packet by a raw socket. The kernel fills in the
// source address of one that has none.
func (h *host) isCrafted(at ends, now time.Duration, d *packet.Decoded) bool {
	anyAddr := netip.IPv4Unspecified()
	if at.local.Addr().Is6() {
		anyAddr = netip.IPv6Unspecified()
	}
	for _, key := range []ends{at, {netip.AddrPortFrom(anyAddr, at.local.Port()), at.remote}, {}} {
		for _, c := range h.crafted[key] {
			if c.is(now, d) {
				c.seen = h.output // or a fault may have copied it
				return true
			}
		}
	}
	return d.Flags == packet.SYN &&
		slices.ContainsFunc(h.floods, func(w window) bool { return w.has(now) })
}
