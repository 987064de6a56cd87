package packet

import "encoding/binary"

// tcp decodes the TCP header (RFC 9293, section 3.1) of a segment that had length bytes on the
// wire.
func (d *Decoded) tcp(b []byte, length int) {
	// An ICMP error may quote no more than these eight bytes (RFC 792).
	if len(b) >= 8 {
		d.SPort, d.DPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		d.Seq = binary.BigEndian.Uint32(b[4:])
	}
	if len(b) < 20 {
		d.Malformed = true
		return
	}
	d.Ack = binary.BigEndian.Uint32(b[8:])
	d.Flags = TCPFlags(b[13])
	d.Window = binary.BigEndian.Uint16(b[14:])
	header := int(b[12]>>4) * 4
	if header < 20 || header > length || header > len(b) {
		d.Malformed = true
		return
	}
	if !d.Options.read(b[20:header]) {
		d.Malformed = true
	}
	d.Payload, d.PayloadLen = b[header:], length-header
}

// TCP option kinds (IANA, TCP Option Kind Numbers).
const (
	optEnd           = 0
	optNop           = 1
	optMSS           = 2
	optWindowScale   = 3
	optSACKPermitted = 4
	optSACK          = 5
	optTimestamps    = 8
	optFastOpen      = 34
)

// Has reports whether the header has an option of the kind (IANA, TCP Option Kind Numbers). It is
// false for kinds that are not decoded.
func (o *TCPOptions) Has(kind uint8) bool {
	switch kind {
	case optMSS:
		return o.MSS != 0
	case optWindowScale:
		return o.WindowScale >= 0
	case optSACKPermitted:
		return o.SACKPermitted
	case optSACK:
		return len(o.SACK) > 0
	case optTimestamps:
		return o.Timestamps
	case optFastOpen:
		return o.FastOpen
	}
	return false
}

// read decodes a list of TCP options. It is false if an option is cut short.
func (o *TCPOptions) read(b []byte) bool {
	for len(b) > 0 {
		switch b[0] {
		case optEnd:
			return true
		case optNop:
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return false
		}
		kind, value := b[0], b[2:b[1]]
		b = b[b[1]:]
		switch {
		case kind == optMSS && len(value) == 2:
			o.MSS = binary.BigEndian.Uint16(value)
		case kind == optWindowScale && len(value) == 1:
			o.WindowScale = int(value[0])
		case kind == optSACKPermitted && len(value) == 0:
			o.SACKPermitted = true
		case kind == optSACK && len(value)%8 == 0:
			for ; len(value) > 0; value = value[8:] {
				o.SACK = append(o.SACK, [2]uint32{
					binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:]),
				})
			}
		case kind == optTimestamps && len(value) == 8:
			o.Timestamps = true
			o.TSVal, o.TSEcr = binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])
		case kind == optFastOpen:
			o.FastOpen = true
		}
	}
	return true
}
