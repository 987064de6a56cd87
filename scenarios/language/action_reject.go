package language

import (
	"slices"
	"strings"
)

// Reject loses the packet and answers its sender.
type Reject struct {
	With Answer `yaml:",short" json:"with,omitempty" jsonschema_description:"The answer: tcp-reset, or an ICMP error. Default: icmp-port-unreachable. On IPv6 the ICMPv6 message of the same meaning is sent."`
}

// Answer is what the sender of a rejected packet gets: tcp-reset, or an ICMP error by its name in
// selectors, as icmp-NAME. "" is icmp-port-unreachable.
type Answer string

// TCPReset is the answer to a TCP segment.
const TCPReset Answer = "tcp-reset"

const icmpAnswer = "icmp-"

// ICMP returns the name of the ICMP error, as in selectors; "" for a RST.
func (a Answer) ICMP() string {
	if a == "" {
		return "port-unreachable"
	}
	if name, ok := strings.CutPrefix(string(a), icmpAnswer); ok {
		return name
	}
	return ""
}

// notAnswers are the messages that no firewall sends about a packet; fragmentation-needed is what
// mtu does.
var notAnswers = []string{
	"fragmentation-needed", "reassembly-time-exceeded", "source-quench", "redirect", "echo-request",
	"echo-reply",
}

// Words returns all answers.
func (Answer) Words() []string {
	words := []string{string(TCPReset)}
	for _, k := range icmpKinds {
		if !slices.Contains(notAnswers, k.name) {
			words = append(words, icmpAnswer+k.name)
		}
	}
	return words
}

func (a *Reject) check(v *validation, f *Fault) {
	if a.With == TCPReset {
		v.onlyTCP(&a.With, f, "reject with tcp-reset")
	}
	v.hasICMP(&a.With, f.Pos, a.With.ICMP(), "reject: "+icmpAnswer)
}

func (*Reject) effects() Effects { return Effects{Loses: true} }
