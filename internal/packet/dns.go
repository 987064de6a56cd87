package packet

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// domain is the port of name servers.
const domain = 53

// DNS says what a UDP packet from or to a name server asks or answers, as tcpdump(8) does: "A?
// www.example.test", "A 192.0.2.1, 192.0.2.2", "NXDOMAIN". It returns "" for any other packet, and for
// one of which the capture has not enough.
func (d *Decoded) DNS() string {
	if d.Proto != "udp" || d.SPort != domain && d.DPort != domain || d.Fragment {
		return ""
	}
	var p dnsmessage.Parser
	head, err := p.Start(d.Payload)
	if err != nil {
		return ""
	}
	question, err := p.Question()
	if err != nil {
		return ""
	}
	kind := strings.TrimPrefix(question.Type.String(), "Type")
	if !head.Response {
		return kind + "? " + presented(question.Name.String())
	}
	switch {
	case head.RCode == dnsmessage.RCodeNameError:
		return "NXDOMAIN"
	case head.RCode == dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case head.RCode != dnsmessage.RCodeSuccess:
		return strings.TrimPrefix(head.RCode.String(), "RCode")
	case head.Truncated:
		return kind + " truncated"
	}
	if p.SkipAllQuestions() != nil {
		return ""
	}
	answers, err := p.AllAnswers()
	if err != nil {
		return ""
	}
	var values []string
	for i := range answers {
		if answers[i].Header.Type != question.Type {
			continue
		}
		switch body := answers[i].Body.(type) {
		case *dnsmessage.AResource:
			values = append(values, netip.AddrFrom4(body.A).String())
		case *dnsmessage.AAAAResource:
			values = append(values, netip.AddrFrom16(body.AAAA).String())
		}
	}
	switch {
	case len(answers) == 0:
		return "no " + kind
	case len(values) == 0:
		return fmt.Sprintf("%s, records: %d", kind, len(answers))
	}
	return kind + " " + strings.Join(values, ", ")
}

// presented writes a name as RFC 1035 does, section 5.1, without the dot at its end: bytes that are not
// printable are \DDD.
func presented(name string) string {
	name = strings.TrimSuffix(name, ".")
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			fmt.Fprintf(&b, "\\%03d", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
