package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// direction is one side's stream of a connection.
type direction struct {
	conn   int
	opener bool
}

// labeler describes packets in the words of the ladder. It remembers the next sequence number of
// each stream, to distinguish a probe from a bare acknowledgement.
type labeler struct {
	next map[direction]int64
}

func newLabeler() *labeler { return &labeler{next: map[direction]int64{}} }

// words returns the description of a packet word by word, the most important first: a label that is
// too long loses the last. Packets must come in the order they were sent.
func (l *labeler) words(j *Journey) []string {
	d := j.Packet
	var words []string
	switch {
	case d.Proto == "" && d.Malformed:
		words = []string{"malformed packet"}
	case d.Proto == "":
		words = []string{"packet of another protocol"}
	case d.Fragment && d.FragmentOffset > 0:
		words = []string{strings.ToUpper(d.Proto), fmt.Sprintf("len=%d", d.PayloadLen)}
	case d.Proto == "tcp":
		words = j.rewritten(l.segment(d, j.Flow))
	case d.Proto == "udp":
		words = []string{
			"UDP", fmt.Sprintf("%d > %d", d.SPort, d.DPort), fmt.Sprintf("len=%d", d.PayloadLen),
		}
	default:
		words = []string{strings.ToUpper(d.Proto), d.ICMPType}
		if d.ICMPMTU != 0 {
			words = append(words, fmt.Sprintf("mtu=%d", d.ICMPMTU))
		}
	}
	if d.Fragment {
		words = append(words, fmt.Sprintf("fragment at %d", d.FragmentOffset))
	}
	// Facts that the arrow does not show come early.
	at := behindKind(words)
	link := d.Proto == "arp" || d.Proto == "ndp"
	if j.To == "" && d.Dst.IsValid() && !link {
		words = slices.Insert(words, at, "to "+d.Dst.String())
	}
	if j.Forged && d.Src.IsValid() && !link {
		words = slices.Insert(words, at, "from "+cmp.Or(j.Source, d.Src.String()))
	}
	return words
}

func (l *labeler) segment(d *packet.Decoded, f packet.Flow) []string {
	kind := d.Kind()
	words := []string{kind}
	if kind == "" {
		words[0] = "no flags"
	}
	if f.Retransmission {
		words = append(words, "again")
	}
	me := direction{f.Conn, f.Opener}
	next, known := l.next[me]
	// One below the next byte is how the kernel probes a silent or a full receiver
	// (tcp_xmit_probe_skb in tcp_output.c).
	probe := kind == "ACK" && known && f.Seq == next-1
	if probe {
		words = append(words, "probe")
	}
	if kind != "ACK" || probe {
		words = append(words, fmt.Sprintf("seq=%d", f.Seq))
	}
	if d.Flags&packet.ACK != 0 {
		words = append(words, fmt.Sprintf("ack=%d", f.Ack))
	}
	if d.PayloadLen > 0 {
		words = append(words, fmt.Sprintf("len=%d", d.PayloadLen))
	}
	if d.Flags&packet.PSH != 0 {
		words = append(words, "PSH")
	}
	if d.Flags&packet.URG != 0 {
		words = append(words, "URG")
	}
	window := fmt.Sprintf("win=%d", d.Window)
	if kind != "RST" && len(d.Options.SACK) == 0 {
		words = append(words, window)
	}
	if d.Options.MSS != 0 {
		words = append(words, fmt.Sprintf("mss=%d", d.Options.MSS))
	}
	for _, b := range d.Options.SACK {
		// The blocks lie above the acknowledgement, by less than a window.
		words = append(words, fmt.Sprintf("sack=%d..%d",
			f.Ack+int64(int32(b[0]-d.Ack)), f.Ack+int64(int32(b[1]-d.Ack))))
	}
	if kind != "RST" && len(d.Options.SACK) > 0 {
		words = append(words, window) // the missing data says more
	}
	if d.Options.FastOpen {
		words = append(words, "fast-open")
	}
	end := f.Seq + int64(d.PayloadLen)
	if d.Flags&(packet.SYN|packet.FIN) != 0 {
		end++
	}
	if kind != "RST" && end > next {
		l.next[me] = end
	}
	return words
}

// ecnNames are the names of the values of the two ECN bits (RFC 3168, section 5).
var ecnNames = [...]string{"not-ect", "ect1", "ect0", "ce"}

// flagNames formats TCP flags: "SYN+ACK".
func flagNames(flags packet.TCPFlags) string {
	var names []string
	for bit, name := range language.TCPFlagNames() {
		if flags&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return cmp.Or(strings.Join(names, "+"), "none")
}

// rewritten adds the fields of a segment that a fault changed on its way, with the value sent and
// the value that arrived: "win=510→0".
func (j *Journey) rewritten(words []string) []string {
	if j.Arrival == nil || !slices.ContainsFunc(j.Marks,
		func(m Mark) bool { return m.Effect == packet.EffectRewritten }) {
		return words
	}
	sent, came := j.Packet, j.Arrival
	var changes []string
	change := func(name string, sent, came any) {
		if sent == came {
			return
		}
		words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, name+"=") })
		changes = append(changes, fmt.Sprintf("%s=%v→%v", name, sent, came))
	}
	change("flags", flagNames(sent.Flags), flagNames(came.Flags))
	change("win", sent.Window, came.Window)
	change("mss", sent.Options.MSS, came.Options.MSS)
	change("wscale", sent.Options.WindowScale, came.Options.WindowScale)
	change("sack-permitted", sent.Options.SACKPermitted, came.Options.SACKPermitted)
	change("timestamps", sent.Options.Timestamps, came.Options.Timestamps)
	change("fast-open", sent.Options.FastOpen, came.Options.FastOpen)
	change("ecn", ecnNames[sent.TOS&3], ecnNames[came.TOS&3])
	if came.TTL+uint8(len(j.hops)/4) != sent.TTL { // a router subtracts one
		change("ttl", sent.TTL, came.TTL)
	}
	return slices.Insert(words, behindKind(words), changes...)
}

// behindKind is the index in words after the packet's kind, and after "again" if that follows.
func behindKind(words []string) int {
	if len(words) > 1 && words[1] == "again" {
		return 2
	}
	return 1
}

// label joins the words that fit into width columns, and appends the mark if some do not. The first
// always stays.
func label(words []string, width int, mark string) string {
	text := words[0]
	for i, w := range words[1:] {
		room := width
		if i+2 < len(words) {
			room -= 1 + widthOf(mark)
		}
		if widthOf(text)+1+widthOf(w) > room {
			return text + " " + mark
		}
		text += " " + w
	}
	return text
}
