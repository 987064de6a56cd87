package language

import (
	"reflect"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
)

// Segment sends one packet that the actor builds itself. If the step names a socket, or has no To,
// the packet belongs to that socket: addresses and numbers that are not given are those of the
// socket, which does not learn of the packet. The result of the outcome is the length of the packet
// in bytes, its bytes the length of the payload.
type Segment struct {
	Data
	To   string `json:"to,omitempty" jsonschema_description:"Destination: HOST:PORT, as for connect; for ICMP without a port. Default: the socket's peer."`
	From string `json:"from,omitempty" jsonschema_description:"Source, written as to. Default: the socket's own address, else the host's first one and port 40000."`
	UDP  bool   `json:"udp,omitempty" jsonschema_description:"true: a UDP datagram. Default: a TCP segment, or a packet of the protocol that the socket has."`
	ICMP string `json:"icmp,omitempty" jsonschema:"enum=echo-request,enum=echo-reply" jsonschema_description:"An ICMP or ICMPv6 message: echo-request or echo-reply."`

	Flags   SegmentFlags    `json:"flags,omitzero" jsonschema_description:"TCP flags: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR; [] for none. Default with a socket: ACK, and PSH with data."`
	Seq     Number          `json:"seq,omitempty" jsonschema_description:"Sequence number. With a socket: relative to its initial one, or next (default), next+100, next-1, where next is the first number not yet sent. Without: as in the header, 0 by default."`
	Ack     Number          `json:"ack,omitempty" jsonschema_description:"Acknowledgement number. With a socket: relative to the peer's initial sequence number, or next (default with the flag ACK), the first number not yet received. Without: as in the header, 0 by default."`
	Window  *int            `json:"window,omitempty" jsonschema_description:"Window field, 0 to 65535. Default: the socket's, else 64240."`
	TTL     int             `json:"ttl,omitempty" jsonschema_description:"TTL or hop limit, 1 to 255. Default: 64."`
	Options *SegmentOptions `json:"options,omitempty" jsonschema_description:"TCP options. Default: none."`
}

// SegmentFlags are the names of the TCP flags of a segment. An empty list means no flags, nil the
// default.
type SegmentFlags []string

func (d *decoder) segmentFlags(n *yaml.Node, flags *SegmentFlags) {
	d.Plain(n, reflect.ValueOf(flags).Elem())
	if *flags == nil && n.Kind == yaml.SequenceNode {
		*flags = SegmentFlags{}
	}
}

// SegmentOptions are the TCP options of a segment.
type SegmentOptions struct {
	MSS           *int               `json:"mss,omitempty" jsonschema_description:"Maximum segment size, 0 to 65535."`
	WindowScale   *int               `json:"window-scale,omitempty" jsonschema_description:"Shift count, 0 to 255; more than 14 is an error that receivers must survive."`
	SACKPermitted bool               `json:"sack-permitted,omitempty" jsonschema_description:"true: the option that permits SACK."`
	Timestamps    *SegmentTimestamps `json:"timestamps,omitempty" jsonschema_description:"The option timestamps."`
}

// SegmentTimestamps is the TCP option timestamps.
type SegmentTimestamps struct {
	Value Number `yaml:",short" json:"value" jsonschema_description:"TSval: a number; with a socket also now, now-5000, now+1, counted from its clock in ms."`
	Echo  Number `json:"echo,omitempty" jsonschema_description:"TSecr: a number. Default: 0."`
}

func (s *Segment) check(v *validation, _ *Actor, st *Step) {
	pos := st.Pos
	ofSocket := st.Socket != "" || !v.has(&s.To)
	proto := "tcp"
	switch {
	case s.UDP && s.ICMP != "":
		v.errorf(code.ConflictingKeys, s, pos,
			"no packet is udp and icmp at once; want one of them")
		return
	case s.UDP:
		proto = "udp"
	case s.ICMP != "":
		proto = "icmp"
	}
	for _, end := range []*string{&s.To, &s.From} {
		switch {
		case !v.has(end):
		case proto == "icmp":
			v.packetAddress(end, pos, *end)
		default:
			v.target(end, pos, *end)
		}
	}
	v.source(&s.From, pos, s.From)
	v.data(&s.Data, pos)
	if v.has(&s.TTL) && (s.TTL < 1 || s.TTL > 255) {
		v.errorf(code.OutOfRange, &s.TTL, pos, "segment: invalid ttl %d: want 1 to 255", s.TTL)
	}
	if proto != "tcp" {
		v.noTCP(s, pos, strings.ToUpper(proto))
		return
	}
	for i := range s.Flags {
		v.oneOf(&s.Flags[i], pos, "TCP flag", s.Flags[i], TCPFlagNames())
	}
	if !ofSocket && !v.has(&s.Flags) {
		v.errorf(code.MissingKey, s, pos,
			"segment: want flags, such as [SYN]; only a segment of a socket has a default")
	}
	v.number(&s.Seq, pos, "seq", "next", ofSocket)
	v.number(&s.Ack, pos, "ack", "next", ofSocket)
	v.field16(s.Window, pos, "window", 65535)
	if o := s.Options; o != nil {
		v.field16(o.MSS, pos, "mss", 65535)
		v.field16(o.WindowScale, pos, "window-scale", 255)
		if ts := o.Timestamps; ts != nil {
			v.number(&ts.Value, pos, "value", "now", ofSocket)
			v.number(&ts.Echo, pos, "echo", "", ofSocket)
		}
	}
}

func (s *Segment) sockets(v *validation, st *Step, made *socketsMade) {
	switch {
	case st.Socket != "":
		v.madeBefore(st, made)
	case v.has(&s.To):
	case !made.any:
		v.errorf(code.MissingStep, nil, st.Pos,
			"segment without the key to needs a socket; add to, or a step before it that makes one, such as connect")
	}
}

func (*Segment) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Segment) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeBytes} }

// Arguments returns the packet in a few words: "SYN to server:8080", "RST, seq next+100", "UDP to
// server:53, 512 bytes". Values that come from the socket are left out.
func (s *Segment) Arguments() string {
	var packet, words []string
	switch {
	case s.UDP:
		packet = append(packet, "UDP")
	case s.ICMP != "":
		packet = append(packet, "ICMP "+s.ICMP)
	case s.Flags != nil && len(s.Flags) == 0:
		packet = append(packet, "no flags")
	case len(s.Flags) > 0:
		packet = append(packet, strings.Join(s.Flags, "-"))
	}
	if s.To != "" {
		packet = append(packet, "to "+s.To)
	}
	if len(packet) > 0 {
		words = append(words, strings.Join(packet, " "))
	}
	if s.Seq != "" {
		words = append(words, "seq "+string(s.Seq))
	}
	if s.Ack != "" {
		words = append(words, "ack "+string(s.Ack))
	}
	if s.Data != (Data{}) {
		words = append(words, s.brief())
	}
	return strings.Join(words, ", ")
}

// noTCP reports keys of TCP segments in a packet of the protocol proto.
func (v *validation) noTCP(s *Segment, pos Pos, proto string) {
	for _, o := range []struct {
		key   string
		field any
		given bool
	}{
		{"flags", &s.Flags, v.has(&s.Flags)},
		{"seq", &s.Seq, v.has(&s.Seq)},
		{"ack", &s.Ack, v.has(&s.Ack)},
		{"window", s.Window, s.Window != nil},
		{"options", s.Options, s.Options != nil},
	} {
		if o.given {
			v.errorf(code.NeverMatches, o.field, pos,
				"%s: %s packets have none; remove the key", o.key, proto)
		}
	}
}

func (v *validation) field16(n *int, pos Pos, key string, high int) {
	if n != nil && (*n < 0 || *n > high) {
		v.errorf(code.OutOfRange, n, pos, "segment: invalid %s %d: want 0 to %d", key, *n, high)
	}
}
