package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// direction is one side's stream of a connection.
type direction struct {
	conn   int
	opener bool
}

// labeler describes packets in the words of the ladder. It remembers how far each stream was sent
// and acknowledged, to distinguish a probe from a bare acknowledgement.
type labeler struct {
	streams map[direction]*stream
}

// stream is what one side sent.
type stream struct {
	// known is set once a segment was seen. next is the number after the last that was sent without
	// a gap.
	known bool
	next  int64
	// acked is the highest acknowledgement that has come back. coming are those under way, by time
	// of arrival.
	acked  int64
	coming []acknowledgement
}

type acknowledgement struct {
	at time.Duration
	n  int64
}

func newLabeler() *labeler { return &labeler{streams: map[direction]*stream{}} }

func (l *labeler) stream(d direction) *stream {
	if l.streams[d] == nil {
		l.streams[d] = &stream{}
	}
	return l.streams[d]
}

// allAcked reports whether everything in the stream had been acknowledged at some time. Times must
// not decrease.
func (s *stream) allAcked(at time.Duration) bool {
	s.coming = slices.DeleteFunc(s.coming, func(a acknowledgement) bool {
		if a.at <= at {
			s.acked = max(s.acked, a.n)
		}
		return a.at <= at
	})
	s.next = max(s.next, s.acked)
	return s.acked == s.next
}

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
		words = j.rewritten(l.segment(j))
	case d.Proto == "udp" && d.DNS() != "":
		words = []string{"DNS", d.DNS(), fmt.Sprintf("%d > %d", d.SPort, d.DPort)}
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

func (l *labeler) segment(j *Journey) []string {
	d, f := j.Packet, j.Flow
	kind := d.Kind()
	words := []string{kind}
	if kind == "" {
		words[0] = "no flags"
	}
	// A FIN is new, even on data that is sent again.
	again := f.Retransmission && !(kind == "FIN" && f.Partial)
	if again {
		words = append(words, "again")
	}
	me := l.stream(direction{f.Conn, f.Opener})
	// One below the next byte is how the kernel probes a silent or a full receiver
	// (tcp_xmit_probe_skb in tcp_output.c); other systems send that byte, too (RFC 9293, section
	// 3.8.4). While data is under way, it does not probe: then the same number means that the
	// receiver has taken back its window, and the sender answers at the end of it
	// (tcp_acceptable_seq).
	acked := me.allAcked(j.Sent)
	empty := kind == "ACK" || kind == "DATA" && d.PayloadLen == 1
	if empty && !again && me.known && f.Seq == me.next-1 && acked {
		words = append(words, "probe")
	}
	if kind != "ACK" || me.known && f.Seq != me.next {
		words = append(words, fmt.Sprintf("seq=%d", f.Seq))
	}
	if d.Flags&packet.ACK != 0 {
		words = append(words, fmt.Sprintf("ack=%d", f.Ack))
	}
	if d.PayloadLen > 0 {
		words = append(words, fmt.Sprintf("len=%d", d.PayloadLen))
		if f.Retransmission && !again {
			words = append(words, "again")
		}
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
	l.sent(j, me)
	return words
}

// sent remembers a segment in its stream, and what it acknowledges in the other.
func (l *labeler) sent(j *Journey, me *stream) {
	d, f := j.Packet, j.Flow
	if d.Flags&packet.RST != 0 || j.Forged {
		return
	}
	end := f.Seq + int64(d.PayloadLen)
	for _, flag := range []packet.TCPFlags{packet.SYN, packet.FIN} {
		if d.Flags&flag != 0 {
			end++
		}
	}
	// What comes after a gap was not sent by the socket in this order, or not captured.
	if !me.known || f.Seq <= me.next {
		me.known, me.next = true, max(me.next, end)
	}
	if d.Flags&packet.ACK != 0 && !j.Lost() {
		peer := l.stream(direction{f.Conn, !f.Opener})
		peer.coming = append(peer.coming, acknowledgement{j.Last, f.Ack})
	}
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
	change("mss", orNone(int(sent.Options.MSS), 0), orNone(int(came.Options.MSS), 0))
	change("wscale", orNone(sent.Options.WindowScale, -1), orNone(came.Options.WindowScale, -1))
	change("sack-permitted", sent.Options.SACKPermitted, came.Options.SACKPermitted)
	change("timestamps", sent.Options.Timestamps, came.Options.Timestamps)
	change("fast-open", sent.Options.FastOpen, came.Options.FastOpen)
	change("ecn", ecnNames[sent.TOS&3], ecnNames[came.TOS&3])
	if came.TTL+uint8(len(j.hops)/4) != sent.TTL { // a router subtracts one
		change("ttl", sent.TTL, came.TTL)
	}
	return slices.Insert(words, behindKind(words), changes...)
}

// orNone writes the value of an option; absent is the value of one that is not there.
func orNone(value, absent int) string {
	if value == absent {
		return "none"
	}
	return strconv.Itoa(value)
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
