package trace

import (
	"encoding/binary"
	"errors"
	"time"
)

// Packets are packets seen one after the other at one end of a link, in the form in which they pass
// from process to process. The zero value has none.
type Packets struct {
	LinkEnd
	// Data has a record for each of N packets.
	Data []byte
	N    int
	// Last is the time of the last packet.
	Last time.Duration
}

const (
	// mostPackets and mostData bound the packets of one value, so that none waits long for others.
	mostPackets = 64
	mostData    = 16 << 10
)

// Append adds a packet, and reports whether it could: all packets of one value were seen at the same
// link end, and their number and size are bounded. The first packet is always added.
func (ps *Packets) Append(at time.Duration, p *Packet) bool {
	switch {
	case ps.N == 0:
		ps.LinkEnd = *p.LinkEnd
	case ps.N == mostPackets || len(ps.Data)+len(p.Frame) > mostData || ps.LinkEnd != *p.LinkEnd:
		return false
	}
	length := uint64(p.Length) << 1
	if p.Out {
		length |= 1
	}
	ps.Data = binary.AppendVarint(ps.Data, int64(at-ps.Last))
	ps.Data = binary.AppendUvarint(ps.Data, length)
	ps.Data = binary.AppendUvarint(ps.Data, uint64(len(p.Frame)))
	ps.Data = append(ps.Data, p.Frame...)
	ps.N, ps.Last = ps.N+1, at
	return true
}

var errRecord = errors.New("a packet on its way to the trace is malformed")

// Each calls f with each packet and its time. The frames of the packets share the memory of Data.
func (ps *Packets) Each(f func(time.Duration, *Packet)) error {
	end := &LinkEnd{ps.Host, ps.Device}
	list := make([]Packet, 0, min(max(ps.N, 0), mostPackets))
	rest, at := ps.Data, time.Duration(0)
	for len(rest) > 0 {
		since, a := binary.Varint(rest)
		if a <= 0 {
			return errRecord
		}
		length, b := binary.Uvarint(rest[a:])
		if b <= 0 {
			return errRecord
		}
		size, c := binary.Uvarint(rest[a+b:])
		if rest = rest[a+b+max(c, 0):]; c <= 0 || size > uint64(len(rest)) {
			return errRecord
		}
		if len(list) == cap(list) {
			return errRecord
		}
		list = append(list, Packet{
			LinkEnd: end, Out: length&1 != 0, Length: int(length >> 1), Frame: rest[:size:size],
		})
		at += time.Duration(since)
		f(at, &list[len(list)-1])
		rest = rest[size:]
	}
	return nil
}
