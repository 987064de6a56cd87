package language

import "halfopen/internal/code"

// Corrupt changes payload bytes.
type Corrupt struct {
	Bytes    int    `yaml:",short" json:"bytes,omitempty" jsonschema_description:"How many bytes are changed. Default: 1."`
	Offset   int    `json:"offset,omitempty" jsonschema_description:"Offset in the payload of the first byte that is changed. Default: 0."`
	Checksum string `json:"checksum,omitempty" jsonschema:"enum=keep,enum=fix" jsonschema_description:"keep (default): the checksum stays as it was, so the receiver notices; fix: it is corrected, so the receiver does not notice."`
}

func (a *Corrupt) check(v *validation, f *Fault) {
	v.within(&a.Bytes, f, "bytes", 1, maxMTU)
	v.within(&a.Offset, f, "offset", 0, maxMTU)
	a.reach(v, f)
}

func (*Corrupt) effects() Effects { return Effects{} }

// reach reports bytes that no packet of the fault has.
func (a *Corrupt) reach(v *validation, f *Fault) {
	field, end := any(&a.Offset), a.Offset+max(a.Bytes, 1)
	if !v.has(field) {
		field = &a.Bytes
	}
	if !v.has(field) {
		field = a
	}
	longest := v.longestPayload(f)
	switch p := f.Match.Payload; {
	case f.Match.onlyKinds(ACK):
		v.errorf(code.NeverMatches, field, f.Pos,
			"corrupt: a bare acknowledgement has no payload to change; select DATA")
	case p != nil && p.Length != nil && p.Length.Max < int64(end):
		v.errorf(code.NeverMatches, field, f.Pos,
			"corrupt: offset + bytes is %d, but match selects payloads of at most %d bytes",
			end, max(p.Length.Max, 0))
	case end > longest:
		v.errorf(code.NeverMatches, field, f.Pos,
			"corrupt: offset + bytes is %d, but a packet here carries at most %d bytes of payload",
			end, longest)
	}
}

// longestPayload returns the longest payload in bytes at the place where the fault strikes. On a
// host it may be that of a datagram which the links carry in fragments.
func (v *validation) longestPayload(f *Fault) int {
	longest, headers := maxMTU, 20+8
	if wire := f.At == "" || f.At == Wire; (wire || f.Match.protocol() == "tcp") &&
		v.s.Network.Shape != ShapeLoopback {
		longest = v.s.Network.MTU
		if longest == 0 {
			longest = defaultMTU
		}
		for i := range v.s.Hosts {
			longest = max(longest, v.s.Hosts[i].MTU)
		}
	}
	if v.s.Family == V6 {
		headers += 20
	}
	if f.Match.protocol() == "tcp" {
		headers += 12
	}
	return longest - headers
}
