package language

import (
	"encoding/hex"
	"slices"
	"strings"

	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// ICMPKinds are the words that stand for ICMP messages in selectors.
func ICMPKinds() []string {
	return []string{
		"any", "port-unreachable", "host-unreachable", "net-unreachable", "admin-prohibited", "fragmentation-needed",
		"echo-request", "echo-reply", "time-exceeded",
	}
}

var (
	tcpOptionNames = []string{"mss", "window-scale", "sack-permitted", "sack", "timestamps", "fast-open"}
	stripNames     = []string{"timestamps", "sack", "window-scale", "mss", "fast-open"}
)

func (v *validation) fault(f *Fault) {
	v.name(nil, f.Pos, "a fault", f.Name)
	v.selector(&f.Match, f.Pos)
	v.where(f)
	v.trigger(f)
	v.window(&f.From, &f.Until, f.Pos)
	if e, err := f.From.Parse(); err == nil && e.Kind == EventFaultHit && e.Fault == f.Name {
		v.errorf(&f.From, f.Pos, "the fault %s begins at a hit of its own, so never", f.Name)
	}
	v.action(f)
}

// where checks at, and that packets the selector takes come by there.
func (v *validation) where(f *Fault) {
	if f.Match.ARP != "" {
		v.errorf(&f.Match.ARP, f.Pos, "arp selects in expectations only; faults strike IP packets (to keep a neighbour from answering, use partition or an absent address)")
	}
	at := f.At
	if at == "" || at == Wire {
		switch {
		case f.Do.Partition != nil:
		case v.wireless():
			v.errorf(&f.At, f.Pos, "there is no wire in the shape %s; say at: HOST.input or HOST.output", v.s.Network.Shape)
		case f.Match.From != "" && f.Match.From == f.Match.To:
			v.errorf(&f.Match.To, f.Pos, "what a host sends to itself does not cross the wire; say at: %s.input", f.Match.To)
		}
		return
	}
	host, side, ok := strings.Cut(at, ".")
	if !ok || side != "input" && side != "output" {
		near := spell.DidYouMean(at, append([]string{Wire}, v.sides()...))
		v.errorf(&f.At, f.Pos, "at: %q is no place; want wire, HOST.input or HOST.output%s", say.Clip(at), near)
		return
	}
	if host == Wire {
		v.errorf(&f.At, f.Pos, "the wire forwards; say at: wire")
		return
	}
	v.host(&f.At, f.Pos, host, false)
	if side == "input" && f.Match.To != "" && f.Match.To != host {
		v.errorf(&f.At, f.Pos, "no packet to %s comes in at %s", f.Match.To, host)
	}
	if side == "output" && f.Match.From != "" && f.Match.From != host {
		v.errorf(&f.At, f.Pos, "no packet from %s goes out at %s", f.Match.From, host)
	}
}

// sides are the places on the hosts where faults may strike.
func (v *validation) sides() []string {
	var sides []string
	for _, h := range v.hosts {
		sides = append(sides, h+".input", h+".output")
	}
	return sides
}

func (v *validation) trigger(f *Fault) {
	for i := range f.Nth {
		if f.Nth[i] < 1 {
			v.errorf(&f.Nth[i], f.Pos, "nth: packets are counted from 1, so there is no packet %d", f.Nth[i])
		}
		if slices.Contains(f.Nth[:i], f.Nth[i]) {
			v.errorf(&f.Nth[i], f.Pos, "nth: %d is here twice", f.Nth[i])
		}
	}
	if v.has(&f.Nth) && len(f.Nth) == 0 {
		v.errorf(&f.Nth, f.Pos, "nth names no packet, so the fault never strikes")
	}
	others := []struct {
		key   string
		field any
		given bool
	}{
		{"first", &f.First, v.has(&f.First)},
		{"skip", &f.Skip, v.has(&f.Skip)},
		{"every", &f.Every, v.has(&f.Every)},
		{"chance", f.Chance, f.Chance != nil},
	}
	for _, o := range others {
		if o.given && len(f.Nth) > 0 {
			v.errorf(o.field, f.Pos, "nth already names the packets; %s cannot stand beside it", o.key)
		}
		if o.given && f.Do.Partition != nil {
			v.errorf(o.field, f.Pos, "partition cuts a link, not packets; %s cannot stand beside it", o.key)
		}
	}
	if f.Do.Partition != nil && (v.has(&f.Match) || len(f.Nth) > 0) {
		v.errorf(&f.Match, f.Pos, "partition cuts a link, not packets; match and nth cannot stand beside it")
	}
	if v.has(&f.First) && f.First < 1 {
		v.errorf(&f.First, f.Pos, "first: %d strikes nothing; want 1 or more", f.First)
	}
	if f.Skip < 0 {
		v.errorf(&f.Skip, f.Pos, "skip: %d is negative", f.Skip)
	}
	if v.has(&f.Every) && f.Every < 1 {
		v.errorf(&f.Every, f.Pos, "every: %d strikes nothing; want 1 or more", f.Every)
	}
	if f.First > 0 && f.Every > f.First {
		v.errorf(&f.Every, f.Pos, "every: %d strikes nothing among the first %d; want %d or less", f.Every, f.First, f.First)
	}
	if v.has(&f.For) && f.For == 0 {
		v.errorf(&f.For, f.Pos, "for: 0s ends the fault when it begins; want more")
	}
}

// protocol says which protocol a selector is bound to; "" for none.
func (m *Selector) protocol() string {
	switch {
	case len(m.TCP) > 0:
		return "tcp"
	case m.UDP != "":
		return "udp"
	case m.ICMP != "":
		return "icmp"
	case m.ARP != "":
		return "arp"
	}
	return ""
}

func (v *validation) selector(m *Selector, pos Pos) {
	given := func(field any, key string) (string, any, bool) { return key, field, v.has(field) }
	if m.From != "" {
		v.host(&m.From, pos, m.From, true)
	}
	if m.To != "" {
		v.host(&m.To, pos, m.To, true)
	}
	var protocols []string
	for _, p := range []struct {
		key string
		set bool
	}{{"tcp", len(m.TCP) > 0}, {"udp", m.UDP != ""}, {"icmp", m.ICMP != ""}, {"arp", m.ARP != ""}} {
		if p.set {
			protocols = append(protocols, p.key)
		}
	}
	if len(protocols) > 1 {
		v.errorf(m, pos, "no packet is %s at once", strings.Join(protocols, " and "))
		return
	}
	if m.ICMP != "" {
		v.oneOf(&m.ICMP, pos, "ICMP message", m.ICMP, ICMPKinds())
	}
	for i := range m.TCP {
		if slices.Contains(m.TCP[:i], m.TCP[i]) {
			v.errorf(&m.TCP[i], pos, "%s is here twice", m.TCP[i])
		}
	}
	for _, ports := range []*Ints{&m.Port, &m.SPort, &m.DPort} {
		for i := range *ports {
			v.port(&(*ports)[i], pos, 1)
		}
	}
	proto := m.protocol()
	refuse := func(in []string, key string, field any, has bool) {
		if has && slices.Contains(in, proto) {
			v.errorf(field, pos, "%s: %s has no such thing", key, strings.ToUpper(proto))
		}
	}
	notTCP := []string{"udp", "icmp", "arp"}
	noPorts := []string{"icmp", "arp"}
	if m.Seq != nil {
		refuse(notTCP, "seq", m.Seq, true)
	}
	if m.Ack != nil {
		refuse(notTCP, "ack", m.Ack, true)
	}
	if m.Window != nil {
		refuse(notTCP, "window", m.Window, true)
	}
	if m.Retransmission != nil {
		refuse(notTCP, "retransmission", m.Retransmission, true)
	}
	refuse(notTCP, "options", &m.Options, len(m.Options) > 0)
	for _, o := range []struct {
		field any
		key   string
	}{{&m.Port, "port"}, {&m.SPort, "sport"}, {&m.DPort, "dport"}, {&m.Conn, "conn"}} {
		key, field, has := given(o.field, o.key)
		refuse(noPorts, key, field, has)
	}
	if m.Payload != nil {
		refuse([]string{"arp"}, "payload", m.Payload, true)
		v.payload(m.Payload, pos, proto)
	}
	if m.TTL != nil {
		refuse([]string{"arp"}, "ttl", m.TTL, true)
	}
	v.bare(m, pos)
	if v.has(&m.Conn) && m.Conn < 1 {
		v.errorf(&m.Conn, pos, "conn: connections are counted from 1, not %d", m.Conn)
	}
	for name := range m.Options {
		v.oneOf(&m.Options, pos, "TCP option", name, tcpOptionNames)
	}
}

// bare refuses what bare acknowledgements cannot have, where the selector takes nothing else.
func (v *validation) bare(m *Selector, pos Pos) {
	if m.Retransmission != nil && *m.Retransmission && m.onlyKinds(ACK, RST) {
		v.errorf(m.Retransmission, pos, "retransmission: a bare acknowledgement, or a RST, is never one")
	}
	if p := m.Payload; p != nil && m.onlyKinds(ACK) && (p.Contains != "" || p.Hex != "" || p.Offset != nil || p.Length != nil && p.Length.Min > 0) {
		v.errorf(p, pos, "payload: a bare acknowledgement has none")
	}
	if p := m.Payload; p != nil && m.onlyKinds(DATA) && p.Length != nil && p.Length.Max == 0 {
		v.errorf(p.Length, pos, "payload: a DATA segment has some")
	}
}

// onlyKinds reports whether the selector takes TCP segments of no other kinds.
func (m *Selector) onlyKinds(kinds ...SegmentKind) bool {
	return len(m.TCP) > 0 && !slices.ContainsFunc(m.TCP, func(k SegmentKind) bool { return !slices.Contains(kinds, k) })
}

func (v *validation) payload(p *Payload, pos Pos, proto string) {
	if p.Contains != "" && p.Hex != "" {
		v.errorf(&p.Hex, pos, "payload: contains and hex both say what occurs in it; want one")
	}
	v.hex(&p.Hex, pos, p.Hex)
	if p.Offset != nil && proto != "tcp" && proto != "" {
		v.errorf(p.Offset, pos, "payload: only TCP has a stream with offsets")
	}
	if *p == (Payload{}) {
		v.errorf(p, pos, "payload says nothing; want contains, hex, length or offset")
	}
}

func (v *validation) hex(field any, pos Pos, text string) {
	if _, err := DecodeHex(text); err != nil {
		v.errorf(field, pos, "hex: %q is no even number of hex digits", say.Clip(text))
	}
}

// DecodeHex reads bytes written as hex digits; white space is ignored.
func DecodeHex(text string) ([]byte, error) {
	return hex.DecodeString(strings.Join(strings.Fields(text), ""))
}
