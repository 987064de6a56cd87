package language

import (
	"encoding/hex"
	"reflect"
	"slices"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// SegmentKind is a kind of TCP segment.
type SegmentKind string

// The kinds of segments. A segment is of exactly one kind: the first that fits, in the order RST,
// SYN-ACK, SYN, FIN, DATA, ACK.
const (
	SYN    SegmentKind = "SYN"
	SYNACK SegmentKind = "SYN-ACK"
	// ACK is a bare acknowledgement: it has no payload, and none of the flags SYN, FIN and RST.
	ACK SegmentKind = "ACK"
	// DATA has payload, and none of the flags SYN, FIN and RST.
	DATA SegmentKind = "DATA"
	// FIN has the FIN flag, with or without payload.
	FIN SegmentKind = "FIN"
	// RST has the RST flag, with or without ACK.
	RST SegmentKind = "RST"
	// AnySegment is every TCP segment.
	AnySegment SegmentKind = "any"
)

// Words returns the segment kinds.
func (SegmentKind) Words() []string { return texts(SYN, SYNACK, ACK, DATA, FIN, RST, AnySegment) }

// Selector selects packets. Keys that are not set do not matter; the zero Selector selects every IP
// packet.
type Selector struct {
	From string `json:"from,omitempty" jsonschema_description:"Sending host: the source address is one of its addresses."`
	To   string `json:"to,omitempty" jsonschema_description:"Receiving host: the destination address is one of its addresses."`

	TCP  Kinds  `json:"tcp,omitempty" jsonschema_description:"TCP segments of this kind, or of one of a list: SYN, SYN-ACK, ACK (bare acknowledgement), DATA, FIN, RST, any."`
	UDP  string `json:"udp,omitempty" jsonschema:"enum=any" jsonschema_description:"any: UDP datagrams."`
	ICMP string `json:"icmp,omitempty" jsonschema_description:"ICMP or ICMPv6 messages: any, port-unreachable, host-unreachable, net-unreachable, admin-prohibited, fragmentation-needed, time-exceeded, echo-request and others."`
	ARP  string `json:"arp,omitempty" jsonschema:"enum=any,enum=request,enum=reply" jsonschema_description:"ARP, or neighbour discovery on IPv6: any, request, reply. In expectations only."`

	Port  Ports `json:"port,omitempty" jsonschema_description:"Source or destination port, a range such as 40000..40010, or a list of these."`
	SPort Ports `json:"sport,omitempty" jsonschema_description:"Source port, a range such as 40000..40010, or a list of these."`
	DPort Ports `json:"dport,omitempty" jsonschema_description:"Destination port, a range such as 40000..40010, or a list of these."`

	Conn           int             `json:"conn,omitempty" jsonschema_description:"The Nth connection of the run, from 1, in the order in which they began; of tcp or udp, if the selector names one of them."`
	Payload        *Payload        `json:"payload,omitempty" jsonschema_description:"What the segment or datagram carries."`
	Retransmission *bool           `json:"retransmission,omitempty" jsonschema_description:"true: only retransmissions; false: only first transmissions."`
	Options        map[string]bool `json:"options,omitempty" jsonschema_description:"TCP options that must be present (true) or absent (false): mss, window-scale, sack-permitted, sack, timestamps, fast-open."`

	Seq    *Count `json:"seq,omitempty" jsonschema_description:"Sequence number relative to the sender's initial one; every SYN has 0."`
	Ack    *Count `json:"ack,omitempty" jsonschema_description:"Acknowledgement number relative to the peer's initial sequence number; a segment without the flag ACK has none, and is not taken."`
	Window *Count `json:"window,omitempty" jsonschema_description:"Window field as sent, not scaled."`
	TTL    *Count `json:"ttl,omitempty" jsonschema_description:"TTL or hop limit."`
}

// Payload says what the payload of a segment or datagram must be like.
type Payload struct {
	Contains string `yaml:",short" json:"contains,omitempty" jsonschema_description:"Text that occurs in it."`
	Hex      string `json:"hex,omitempty" jsonschema_description:"Bytes that occur in it, as hex digits; blanks are ignored."`
	Length   *Count `json:"length,omitempty" jsonschema_description:"Number of payload bytes."`
	Offset   *Count `json:"offset,omitempty" jsonschema_description:"Offset in the stream of at least one of its bytes; the first byte sent has offset 0."`
}

// Key is a key of a selector, as in YAML; those of a payload are "payload.length" and so on.
type Key string

// The keys of a selector.
const (
	KeyFrom            Key = "from"
	KeyTo              Key = "to"
	KeyTCP             Key = "tcp"
	KeyUDP             Key = "udp"
	KeyICMP            Key = "icmp"
	KeyARP             Key = "arp"
	KeyPort            Key = "port"
	KeySPort           Key = "sport"
	KeyDPort           Key = "dport"
	KeyConn            Key = "conn"
	KeyPayloadContains Key = "payload.contains"
	KeyPayloadHex      Key = "payload.hex"
	KeyPayloadLength   Key = "payload.length"
	KeyPayloadOffset   Key = "payload.offset"
	KeyRetransmission  Key = "retransmission"
	KeyOptions         Key = "options"
	KeySeq             Key = "seq"
	KeyAck             Key = "ack"
	KeyWindow          Key = "window"
	KeyTTL             Key = "ttl"
)

// Keys returns the keys that are set, in the order of the fields. They are found by reflection, so
// that a key added to the type is found at once, and [Selector.Beyond] makes every reader that does
// not know it refuse it.
func (m *Selector) Keys() []Key {
	var keys []Key
	eachKey(m, func(k Key, _ any) { keys = append(keys, k) })
	return keys
}

// Beyond returns the first key that is set but not known, "" if there is none. Every reader of a
// selector calls it first: if a key were overlooked, a fault would strike packets that nobody
// selected.
func (m *Selector) Beyond(known ...Key) Key {
	for _, k := range m.Keys() {
		if !slices.Contains(known, k) {
			return k
		}
	}
	return ""
}

// eachKey calls f for each key that is set, with its value.
func eachKey(m *Selector, f func(Key, any)) { eachField(reflect.ValueOf(m).Elem(), "", f) }

func eachField(v reflect.Value, prefix string, f func(Key, any)) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		switch value := v.Field(i); {
		case value.IsZero():
		case value.Type() == reflect.TypeFor[*Payload]():
			eachField(value.Elem(), name+".", f)
		default:
			f(Key(prefix+name), value.Interface())
		}
	}
}

// protocols returns the keys of protocols that are set, such as tcp.
func (m *Selector) protocols() []string {
	var set []string
	for _, p := range []struct {
		key   Key
		given bool
	}{
		{KeyTCP, len(m.TCP) > 0}, {KeyUDP, m.UDP != ""}, {KeyICMP, m.ICMP != ""}, {KeyARP, m.ARP != ""},
	} {
		if p.given {
			set = append(set, string(p.key))
		}
	}
	return set
}

// protocol returns the protocol that the selector names; "" for none.
func (m *Selector) protocol() string {
	if set := m.protocols(); len(set) > 0 {
		return set[0]
	}
	return ""
}

// lacking lists, for each key, the protocols whose packets do not have that property.
var lacking = map[Key][]string{
	KeySeq:            {"udp", "icmp", "arp"},
	KeyAck:            {"udp", "icmp", "arp"},
	KeyWindow:         {"udp", "icmp", "arp"},
	KeyRetransmission: {"udp", "icmp", "arp"},
	KeyOptions:        {"udp", "icmp", "arp"},
	KeyPort:           {"icmp", "arp"},
	KeySPort:          {"icmp", "arp"},
	KeyDPort:          {"icmp", "arp"},
	KeyConn:           {"icmp", "arp"},
	KeyTTL:            {"arp"},
}

func (v *validation) selector(m *Selector, pos Pos) {
	if m.From != "" {
		v.host(&m.From, pos, m.From, true)
	}
	if m.To != "" {
		v.host(&m.To, pos, m.To, true)
	}
	if protocols := m.protocols(); len(protocols) > 1 {
		v.errorf(code.NeverMatches, m, pos,
			"no packet is %s at once; want one of them", strings.Join(protocols, " and "))
		return
	}
	if m.ICMP != "" {
		v.oneOf(&m.ICMP, pos, "ICMP message", m.ICMP, ICMPKinds())
		v.hasICMP(&m.ICMP, pos, m.ICMP, "")
	}
	for i := range m.TCP {
		if slices.Contains(m.TCP[:i], m.TCP[i]) {
			v.errorf(code.DuplicateEntry, &m.TCP[i], pos, "%s is listed twice; keep one", m.TCP[i])
		}
	}
	proto := m.protocol()
	v.keys(reflect.ValueOf(m).Elem(), "", pos, proto)
	if m.Payload != nil {
		if proto == "arp" {
			v.errorf(code.NeverMatches, m.Payload, pos,
				"payload: ARP packets have none; remove the key")
		}
		v.keys(reflect.ValueOf(m.Payload).Elem(), "payload.", pos, proto)
		v.payload(m.Payload, pos, proto)
	}
	v.bare(m, pos)
	if v.has(&m.Conn) && m.Conn < 1 {
		v.errorf(code.OutOfRange, &m.Conn, pos,
			"invalid conn %d: connections are counted from 1", m.Conn)
	}
	for name := range m.Options {
		v.oneOf(&m.Options, pos, "TCP option", name, TCPOptionNames())
	}
}

// keys refuses keys in the file that are empty, which would select everything, and those that ask
// for something that packets of the protocol do not have.
func (v *validation) keys(value reflect.Value, prefix string, pos Pos, proto string) {
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		key, field, pointer := Key(prefix+name), value.Field(i), value.Field(i)
		if field.Kind() != reflect.Pointer {
			pointer = field.Addr()
		}
		switch place := pointer.Interface(); {
		case !v.has(place):
		case slices.Contains(lacking[key], proto):
			v.errorf(code.NeverMatches, place, pos,
				"%s: %s packets have none; remove the key", name, strings.ToUpper(proto))
		case field.IsZero() && field.Kind() != reflect.Int: // of a number, its range is checked
			v.errorf(code.MissingValue, place, pos,
				"%s is empty; give it a value, or remove the key", key)
		}
	}
}

// bare reports conditions that no packet of the selected kinds of segments can meet.
func (v *validation) bare(m *Selector, pos Pos) {
	if m.Retransmission != nil && *m.Retransmission && m.onlyKinds(ACK, RST) {
		v.errorf(code.NeverMatches, m.Retransmission, pos,
			"retransmission: a bare acknowledgement or a RST never counts as one; select another kind")
	}
	if p := m.Payload; p != nil && m.onlyKinds(ACK) &&
		(p.Contains != "" || p.Hex != "" || p.Offset != nil || p.Length != nil && p.Length.Min > 0) {
		v.errorf(code.NeverMatches, p, pos, "payload: a bare acknowledgement has none; select DATA")
	}
	if p := m.Payload; p != nil && m.onlyKinds(DATA) && p.Length != nil && p.Length.Max == 0 {
		v.errorf(code.NeverMatches, p.Length, pos,
			"payload: a DATA segment always has some; want a length of 1 or more")
	}
}

// onlyKinds reports whether the selector names kinds of TCP segments, all of them allowed.
func (m *Selector) onlyKinds(allowed ...SegmentKind) bool {
	return len(m.TCP) > 0 &&
		!slices.ContainsFunc(m.TCP, func(k SegmentKind) bool { return !slices.Contains(allowed, k) })
}

func (v *validation) payload(p *Payload, pos Pos, proto string) {
	if p.Contains != "" && p.Hex != "" {
		v.errorf(code.ConflictingKeys, &p.Hex, pos,
			"payload: want one of contains and hex, not both")
	}
	v.hex(&p.Hex, pos, p.Hex)
	if p.Offset != nil && proto != "tcp" && proto != "" {
		v.errorf(code.NeverMatches, p.Offset, pos,
			"payload: only TCP has a stream with offsets; remove offset, or select tcp")
	}
	if *p == (Payload{}) {
		v.errorf(code.MissingKey, p, pos,
			"payload: want at least one of contains, hex, length and offset")
	}
}

func (v *validation) hex(field any, pos Pos, text string) {
	if _, err := DecodeHex(text); err != nil {
		v.errorf(code.InvalidValue, field, pos,
			"invalid hex %q: want an even number of hex digits", say.Clip(text))
	}
}

// DecodeHex decodes hex digits; white space is ignored.
func DecodeHex(text string) ([]byte, error) {
	return hex.DecodeString(strings.Join(strings.Fields(text), ""))
}
