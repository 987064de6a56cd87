package network

import (
	"net/netip"
	"slices"

	"halfopen/internal/pattern"

	"halfopen/scenarios/language"
)

// unroutedMetric is the metric of the wire's route for packets without another one: the worst.
const unroutedMetric = 1<<31 - 1

// unroutedRule answers packets that leave by that route. The kernel would answer them too, but at
// most 5 in a row to one sender, then one a second (ip_error in net/ipv4/route.c), and no namespace
// can change that. ICMPv6 has no such limit.
var unroutedRule = []string{
	"-o", "lo", "-j", "REJECT", "--reject-with", "icmp-net-unreachable",
}

var dottedQuad = pattern.New(`\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b`)

// unrouted reports whether packets for which the wire has no route may be sent in a run: a step has
// an address outside of all subnets, or runs a program.
func (t *Topology) unrouted(s *language.Scenario) bool {
	if t.Shape != language.ShapeWire || t.Family != language.V4 {
		return false
	}
	programs := false
	for i := range s.Actors {
		language.EachStep(s.Actors[i].Steps, func(st *language.Step) {
			programs = programs || st.Op.Launch() != nil
		})
	}
	return programs || slices.ContainsFunc(language.Texts(s.Actors), func(text string) bool {
		return slices.ContainsFunc(dottedQuad.FindAllString(text, -1), t.outside)
	})
}

// outside reports whether the text is an address for which the wire has no route.
func (t *Topology) outside(text string) bool {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.IsGlobalUnicast() || language.Nobody(t.Family).Contains(a) {
		return false
	}
	return !slices.ContainsFunc(t.Hosts, func(h Host) bool {
		return h.Prefix.IsValid() && h.Prefix.Contains(a)
	})
}
