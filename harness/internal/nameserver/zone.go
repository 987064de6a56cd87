// Package nameserver is a name server for the hosts of a lab: it knows some names and their addresses,
// and that there are no others.
package nameserver

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// TTL is how long an answer may be kept, in seconds: not at all, so that each look-up asks again.
const TTL = 0

// Zone has the addresses of each name, in the order in which they are answered. Names are in lower
// case, without a dot at their end.
type Zone map[string][]netip.Addr

// Add adds addresses to a name.
func (z Zone) Add(name string, addresses ...netip.Addr) {
	name = canonical(name)
	z[name] = append(z[name], addresses...)
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// Answer returns the answer to a query, at most limit bytes long; 0 means no limit. An answer that is
// longer is truncated to none, and says so (RFC 2181, section 9). nil means that the query is not one,
// and gets no answer.
//
// A name without an address of the type that is asked for has an answer without records; an unknown
// name does not exist (NXDOMAIN).
func (z Zone) Answer(query []byte, limit int) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil || head.Response {
		return nil
	}
	answer := dnsmessage.Message{Header: dnsmessage.Header{
		ID: head.ID, Response: true, OpCode: head.OpCode, Authoritative: true,
		RecursionDesired: head.RecursionDesired, RecursionAvailable: true,
	}}
	questions, err := p.AllQuestions()
	switch {
	case err != nil || len(questions) != 1:
		answer.RCode = dnsmessage.RCodeFormatError
	case head.OpCode != 0:
		answer.RCode = dnsmessage.RCodeNotImplemented
	default:
		answer.Questions = questions
		answer.Answers, answer.RCode = z.records(&questions[0])
	}
	size, extended := udpSize(&p)
	if extended {
		var h dnsmessage.ResourceHeader
		if h.SetEDNS0(plainSize, answer.RCode, false) == nil {
			answer.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
		}
	}
	packed, err := answer.Pack()
	if err != nil {
		return nil // a name of the query that cannot be packed again
	}
	if limit == 0 || len(packed) <= max(limit, size) {
		return packed
	}
	answer.Answers, answer.Truncated = nil, true
	packed, err = answer.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// records returns what is known of a question.
func (z Zone) records(q *dnsmessage.Question) ([]dnsmessage.Resource, dnsmessage.RCode) {
	if q.Class != dnsmessage.ClassINET {
		return nil, dnsmessage.RCodeRefused
	}
	addresses, known := z[canonical(q.Name.String())]
	if !known {
		return nil, dnsmessage.RCodeNameError
	}
	var records []dnsmessage.Resource
	for _, a := range addresses {
		var body dnsmessage.ResourceBody
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			body = &dnsmessage.AResource{A: a.As4()}
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			body = &dnsmessage.AAAAResource{AAAA: a.As16()}
		default:
			continue
		}
		records = append(records, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: TTL},
			Body:   body,
		})
	}
	return records, dnsmessage.RCodeSuccess
}

// udpSize returns how long an answer over UDP may be by the query's EDNS(0) record (RFC 6891, section
// 6.2.3); ok is false if there is none.
func udpSize(p *dnsmessage.Parser) (size int, ok bool) {
	if p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return 0, false
	}
	for {
		h, err := p.AdditionalHeader()
		if err != nil {
			return 0, false
		}
		if h.Type == dnsmessage.TypeOPT {
			return int(h.Class), true
		}
		if p.SkipAdditional() != nil {
			return 0, false
		}
	}
}
