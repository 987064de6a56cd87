package packet

import (
	"fmt"
	"net/netip"
	"strings"
)

// Kind returns the kind of a TCP segment: the first that fits of RST, SYN-ACK, SYN, FIN, DATA and
// ACK. It is "" for a segment with neither flags nor payload, and for packets other than TCP
// segments.
func (d *Decoded) Kind() string {
	switch {
	case d.Proto != "tcp" || (d.Fragment && d.FragmentOffset > 0):
		return ""
	case d.Flags&RST != 0:
		return "RST"
	case d.Flags&SYN != 0 && d.Flags&ACK != 0:
		return "SYN-ACK"
	case d.Flags&SYN != 0:
		return "SYN"
	case d.Flags&FIN != 0:
		return "FIN"
	case d.PayloadLen > 0:
		return "DATA"
	case d.Flags&ACK != 0:
		return "ACK"
	}
	return ""
}

// Summarize describes a packet in one line, much like tcpdump, with absolute sequence numbers:
// "198.18.1.2:41234 > 198.18.2.2:8080 SYN seq 123 win 64240 len 0".
func Summarize(d *Decoded) string {
	return summarize(d, int64(d.Seq), int64(d.Ack))
}

// SummarizeIn is [Summarize] with the sequence numbers of a flow, which are relative to the initial
// ones.
func SummarizeIn(d *Decoded, f Flow) string {
	if f.Conn == 0 {
		return Summarize(d)
	}
	return summarize(d, f.Seq, f.Ack)
}

func summarize(d *Decoded, seq, ack int64) string {
	var b strings.Builder
	switch {
	case d.Family == "":
		b.WriteString("not IP")
	case !d.Src.IsValid():
		// The header itself is cut: nothing else is known.
		b.WriteString(d.Family)
	case d.Proto == "arp" || d.Proto == "ndp":
		fmt.Fprintf(&b, "%s > %s %s %s", d.Src, d.Dst, d.Proto, d.ICMPType)
	default:
		fmt.Fprintf(&b, "%s > %s ", endpoint(d.Src, d.SPort), endpoint(d.Dst, d.DPort))
		body(&b, d, seq, ack)
	}
	if d.Fragment {
		fmt.Fprintf(&b, " fragment at %d", d.FragmentOffset)
	}
	if d.Malformed {
		b.WriteString(" malformed")
	}
	return b.String()
}

// body writes what follows the addresses.
func body(b *strings.Builder, d *Decoded, seq, ack int64) {
	later := d.Fragment && d.FragmentOffset > 0
	switch {
	case d.Proto == "":
		b.WriteString("other protocol")
	case later:
		fmt.Fprintf(b, "%s len %d", d.Proto, d.PayloadLen)
	case d.Proto == "tcp":
		kind := d.Kind()
		if kind == "" {
			kind = "no flags"
		}
		b.WriteString(kind)
		fmt.Fprintf(b, " seq %d", seq)
		if d.Flags&ACK != 0 {
			fmt.Fprintf(b, " ack %d", ack)
		}
		fmt.Fprintf(b, " win %d len %d", d.Window, d.PayloadLen)
	case d.Proto == "udp":
		fmt.Fprintf(b, "udp len %d", d.PayloadLen)
		if dns := d.DNS(); dns != "" {
			b.WriteString(" dns " + dns)
		}
	default:
		fmt.Fprintf(b, "%s %s", d.Proto, d.ICMPType)
		if d.ICMPMTU != 0 {
			fmt.Fprintf(b, " mtu %d", d.ICMPMTU)
		}
		if in := d.Inner; in != nil && in.Dst.IsValid() {
			fmt.Fprintf(b, " for %s", endpoint(in.Dst, in.DPort))
		}
	}
}

func endpoint(a netip.Addr, port uint16) string {
	if port == 0 {
		return a.String()
	}
	return netip.AddrPortFrom(a, port).String()
}
