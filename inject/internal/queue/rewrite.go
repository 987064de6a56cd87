package queue

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// rewrite changes header fields and adjusts the checksums.
type rewrite struct{ language.Rewrite }

func newRewrite(r *Rule, _ *rand.Rand) action { return &rewrite{Rewrite: *r.Do.Rewrite} }

func (a *rewrite) strike(s *occasion) (Strike, bool) {
	before := s.packet.bytes()
	l, all := locate(before)
	if l.ttl == 0 {
		return Strike{}, false
	}
	b := bytes.Clone(before)
	a.network(b, l)
	if all && l.proto == protoTCP {
		a.segment(b, l)
	}
	switch {
	case bytes.Equal(b, before):
		return Strike{}, false
	case all:
		l.fix(b)
		l.keepError(b, fold(l.sum(before)))
	default:
		l.fixHeader(b)
	}
	s.packet.data = b
	return Strike{Effect: packet.EffectRewritten}, true
}

// ecn are the codepoints of RFC 3168, section 5.
var ecn = map[string]byte{"not-ect": 0, "ect1": 1, "ect0": 2, "ce": 3}

func (a *rewrite) network(b []byte, l location) {
	if a.TTL > 0 {
		b[l.ttl] = byte(a.TTL)
	}
	if bits, ok := ecn[a.ECN]; ok {
		if l.v6 {
			b[1] = b[1]&^0x30 | bits<<4 // the lowest two bits of the traffic class
		} else {
			b[1] = b[1]&^0x03 | bits
		}
	}
}

// tcpFlags are the bits of the header's 13th byte (RFC 9293, section 3.1).
var tcpFlags = map[string]byte{
	"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128,
}

func (a *rewrite) segment(b []byte, l location) {
	tcp := b[l.transport:l.payload]
	if a.Window != nil {
		binary.BigEndian.PutUint16(tcp[14:], uint16(*a.Window))
	}
	for _, f := range a.Set {
		tcp[13] |= tcpFlags[f]
	}
	for _, f := range a.Clear {
		tcp[13] &^= tcpFlags[f]
	}
	var strip []byte
	for _, name := range a.Strip {
		if kind, ok := language.TCPOptionKind(name); ok {
			strip = append(strip, kind)
		}
	}
	eachOption(tcp[20:], func(option []byte) {
		switch {
		case bytes.IndexByte(strip, option[0]) >= 0:
			for i := range option {
				option[i] = 1 // no operation, so that the header keeps its length
			}
		case option[0] == 2 && len(option) == 4 && a.MSS > 0:
			binary.BigEndian.PutUint16(option[2:], uint16(a.MSS))
		}
	})
}

// eachOption calls f for each option that has a length, its kind and length included. It stops
// where the options contradict themselves.
func eachOption(options []byte, f func([]byte)) {
	for len(options) > 0 {
		switch {
		case options[0] == 0:
			return
		case options[0] == 1:
			options = options[1:]
			continue
		case len(options) < 2 || options[1] < 2 || int(options[1]) > len(options):
			return
		}
		n := int(options[1])
		f(options[:n])
		options = options[n:]
	}
}
