package fault

import (
	"fmt"
	"strconv"
	"strings"

	"halfopen/scenarios/language"
)

// maxLength is the longest payload an IP packet can have.
const maxLength = 65535

// payloadLength returns a classic BPF program for -m bpf that is true for TCP segments or UDP
// datagrams whose payload length is in the range. The program starts at the IP header and assumes
// that an IPv6 packet has no extension headers.
func payloadLength(protocol string, v6 bool, want language.Count) string {
	// Codes are those of include/uapi/linux/bpf_common.h.
	const (
		ldb, ldh  = 0x30, 0x28 // A = byte or half word at a fixed offset
		ldbx      = 0x50       // A = byte at X + offset
		ldhx      = 0x48       // A = half word at X + offset
		ldxIHL    = 0xb1       // X = 4 * (byte & 15): the IPv4 header's length
		and, rsh  = 0x54, 0x74 // A &= k, A >>= k
		addX, tax = 0x0c, 0x07 // A += X, X = A
		subX, sub = 0x1c, 0x14 // A -= X, A -= k
		jge, jgt  = 0x35, 0x25 // jumps
		ret       = 0x06       // accept (not 0) or refuse (0)
	)
	var code [][4]int
	add := func(op, jt, jf, k int) { code = append(code, [4]int{op, jt, jf, k}) }
	switch {
	case protocol == "tcp" && v6:
		add(ldb, 0, 0, 40+12) // data offset, in the upper four bits
		add(and, 0, 0, 0xf0)
		add(rsh, 0, 0, 2)
		add(tax, 0, 0, 0)
		add(ldh, 0, 0, 4) // payload length, without the IPv6 header
		add(subX, 0, 0, 0)
	case protocol == "tcp":
		add(ldxIHL, 0, 0, 0)
		add(ldbx, 0, 0, 12)
		add(and, 0, 0, 0xf0)
		add(rsh, 0, 0, 2)
		add(addX, 0, 0, 0)
		add(tax, 0, 0, 0)
		add(ldh, 0, 0, 2) // total length
		add(subX, 0, 0, 0)
	case v6: // UDP
		add(ldh, 0, 0, 40+4)
		add(sub, 0, 0, 8)
	default:
		add(ldxIHL, 0, 0, 0)
		add(ldhx, 0, 0, 4)
		add(sub, 0, 0, 8)
	}
	add(jge, 0, 2, int(max(want.Min, 0)))
	add(jgt, 1, 0, int(min(want.Max, maxLength)))
	add(ret, 0, 0, 65535)
	add(ret, 0, 0, 0)
	text := []string{strconv.Itoa(len(code))}
	for _, c := range code {
		text = append(text, fmt.Sprintf("%d %d %d %d", c[0], c[1], c[2], c[3]))
	}
	return strings.Join(text, ",")
}
