package language

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// selectorWords has the words of each key that comes after the kind of packet, in the order of the
// sentence.
var selectorWords = []struct {
	key Key
	say func(m *Selector) string
}{
	{KeyFrom, func(m *Selector) string { return "from " + m.From }},
	{KeyTo, func(m *Selector) string { return "to " + m.To }},
	{KeyPort, func(m *Selector) string { return "port " + m.Port.String() }},
	{KeySPort, func(m *Selector) string { return "sport " + m.SPort.String() }},
	{KeyDPort, func(m *Selector) string { return "dport " + m.DPort.String() }},
	{KeyConn, func(m *Selector) string { return "of connection " + strconv.Itoa(m.Conn) }},
	{KeySeq, func(m *Selector) string { return "seq " + m.Seq.String() }},
	{KeyAck, func(m *Selector) string { return "ack " + m.Ack.String() }},
	{KeyWindow, func(m *Selector) string { return "window " + m.Window.String() }},
	{KeyTTL, func(m *Selector) string { return "ttl " + m.TTL.String() }},
	{KeyOptions, func(m *Selector) string { return optionWords(m.Options) }},
	{KeyPayloadContains, func(m *Selector) string { return "containing " + strconv.Quote(m.Payload.Contains) }},
	{KeyPayloadHex, func(m *Selector) string { return "containing the bytes " + m.Payload.Hex }},
	{KeyPayloadLength, func(m *Selector) string { return "of " + m.Payload.Length.String() + " bytes" }},
	{KeyPayloadOffset, func(m *Selector) string { return "at stream offset " + m.Payload.Offset.String() }},
}

// String returns the selector in words: "SYN from client to server port 8080". A key without words
// is written as in YAML.
func (m *Selector) String() string {
	set := map[Key]any{}
	eachKey(m, func(k Key, value any) { set[k] = value })
	sentence := m.Kind()
	if m.Retransmission != nil && *m.Retransmission {
		sentence = "retransmitted " + sentence
	} else if m.Retransmission != nil {
		sentence = "first-time " + sentence
	}
	for _, k := range []Key{KeyRetransmission, KeyTCP, KeyUDP, KeyICMP, KeyARP} {
		delete(set, k)
	}
	for _, w := range selectorWords {
		if _, given := set[w.key]; given {
			sentence += " " + w.say(m)
			delete(set, w.key)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(set)) {
		sentence += fmt.Sprintf(" %s %v", k, set[k])
	}
	return sentence
}

// Kind returns the packets by their protocols: "SYN or RST", "UDP", "ICMP echo-request", "any
// packet".
func (m *Selector) Kind() string {
	var protocols []string
	for _, k := range m.TCP {
		if k == AnySegment {
			k = "TCP"
		}
		protocols = append(protocols, string(k))
	}
	for _, p := range []struct{ name, kind string }{{"UDP", m.UDP}, {"ICMP", m.ICMP}, {"ARP", m.ARP}} {
		if p.kind != "" {
			protocols = append(protocols, strings.TrimSpace(p.name+" "+strings.TrimPrefix(p.kind, "any")))
		}
	}
	if len(protocols) == 0 {
		return "any packet"
	}
	return strings.Join(protocols, " or ")
}

func optionWords(options map[string]bool) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if options[name] {
			words = append(words, "with "+name)
		} else {
			words = append(words, "without "+name)
		}
	}
	return strings.Join(words, " ")
}
