package assertions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"halfopen/scenarios/language"
)

// selectorText names the packets of a selector: "SYN from client to port 8080".
func selectorText(s *language.Selector) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if s.Retransmission != nil {
		if *s.Retransmission {
			add("retransmitted")
		} else {
			add("first-time")
		}
	}
	var protocols []string
	for _, k := range s.TCP {
		if k == language.AnySegment {
			k = "TCP"
		}
		protocols = append(protocols, string(k))
	}
	if s.UDP != "" {
		protocols = append(protocols, "UDP")
	}
	if s.ICMP != "" {
		protocols = append(protocols, strings.TrimSpace("ICMP "+strings.TrimPrefix(s.ICMP, "any")))
	}
	if s.ARP != "" {
		protocols = append(protocols, strings.TrimSpace("ARP "+strings.TrimPrefix(s.ARP, "any")))
	}
	if len(protocols) == 0 {
		protocols = []string{"any packet"}
	}
	add("%s", strings.Join(protocols, "|"))
	for _, f := range []struct{ word, host string }{{"from", s.From}, {"to", s.To}} {
		if f.host != "" {
			add("%s %s", f.word, f.host)
		}
	}
	for _, f := range []struct {
		word  string
		ports language.Ints
	}{{"port", s.Port}, {"sport", s.SPort}, {"dport", s.DPort}} {
		if len(f.ports) > 0 {
			add("%s %s", f.word, strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(f.ports)), " ", "|"), "[]"))
		}
	}
	if s.Conn > 0 {
		add("of connection %d", s.Conn)
	}
	for _, f := range []struct {
		word  string
		count *language.Count
	}{{"seq", s.Seq}, {"ack", s.Ack}, {"window", s.Window}, {"ttl", s.TTL}} {
		if f.count != nil {
			add("%s %s", f.word, f.count)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		if s.Options[name] {
			add("with %s", name)
		} else {
			add("without %s", name)
		}
	}
	if p := s.Payload; p != nil {
		if p.Contains != "" {
			add("containing %q", p.Contains)
		}
		if p.Hex != "" {
			add("containing %s", p.Hex)
		}
		if p.Length != nil {
			add("of %s bytes", p.Length)
		}
		if p.Offset != nil {
			add("at stream offset %s", p.Offset)
		}
	}
	return strings.Join(parts, " ")
}
