package fault

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/packet"
	"halfopen/scenarios/language"
)

// longestChain is the longest name that xtables allows (XT_EXTENSION_MAXNAMELEN, less the final
// zero); nf_tables allows it too.
const longestChain = 28

// chainName names a fault's chain. A name that is too long is cut, and a checksum keeps it unique.
func chainName(fault string) string {
	name := "halfopen-" + fault
	if len(name) <= longestChain {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(fault))
	sum := fmt.Sprintf("~%06x", h.Sum32()&0xffffff)
	return name[:longestChain-len(sum)] + sum
}

// stateless plans a fault that iptables can decide packet by packet; target strikes the packets.
func (c *compilation) stateless(what string, target ...string) (*Planned, error) {
	specs, err := c.specs()
	if err != nil {
		return nil, err
	}
	return c.chains(what, specs, target)
}

// chains plans rules with one target for the packets that match any of the specs.
func (c *compilation) chains(what string, specs [][]string, target []string) (*Planned, error) {
	switch f := c.fault; {
	case len(f.Nth) > 0:
		return nil, c.needsQueue("count packets (nth)")
	case f.First != 0:
		return nil, c.needsQueue("count packets (first)")
	case f.Skip != 0:
		return nil, c.needsQueue("count packets (skip)")
	case f.Chance != nil:
		return nil, c.needsQueue("repeat a seed (chance)")
	case f.Every != 0 && (len(specs) > 1 || c.severalAddresses()):
		return nil, c.needsQueue("count across several alternatives of a selector (every)")
	case f.Every != 0:
		every := []string{
			"-m", "statistic", "--mode", "nth", "--every", strconv.Itoa(f.Every),
			"--packet", strconv.Itoa(f.Every - 1),
		}
		specs = [][]string{append(specs[0], every...)}
		what += " of every nth packet"
	}
	hooks, note, err := c.hooks()
	if err != nil {
		return nil, err
	}
	p := &Planned{Mechanism: IPTables, Why: what + ": an iptables rule is enough" + note}
	for _, at := range hooks {
		r := &ChainRule{
			Host: at.Host, Family: c.topology.Family, Hook: at.Chain, Chain: chainName(c.fault.Name),
		}
		for _, spec := range specs {
			r.Specs = append(r.Specs, append(append([]string{}, spec...), target...))
		}
		p.Rules = append(p.Rules, r)
	}
	return p, nil
}

// specs returns the alternatives of a selector, each as the matches of one rule. A packet may match
// several of them, but every target is final, so it is struck and counted once.
func (c *compilation) specs() ([][]string, error) {
	m := &c.fault.Match
	if k := m.Beyond(
		language.KeyFrom, language.KeyTo, language.KeyTCP, language.KeyUDP, language.KeyICMP,
		language.KeyPort, language.KeySPort, language.KeyDPort,
		language.KeyPayloadLength, language.KeyOptions, language.KeyTTL,
	); k != "" {
		return nil, c.beyond(k)
	}
	var base []string
	for _, side := range []struct{ flag, host string }{{"-s", m.From}, {"-d", m.To}} {
		if side.host == "" {
			continue
		}
		list, err := c.addresses(side.host)
		if err != nil {
			return nil, err
		}
		base = append(base, side.flag, list)
	}
	protocols, err := c.protocols()
	if err != nil {
		return nil, err
	}
	rest, err := c.ports()
	if err != nil {
		return nil, err
	}
	options, err := c.tcpOptions()
	if err != nil {
		return nil, err
	}
	rest = append(rest, options...)
	ttl, err := c.ttl()
	if err != nil {
		return nil, err
	}
	rest = append(rest, ttl...)
	var specs [][]string
	for _, p := range protocols {
		spec := append(append([]string{}, base...), p...)
		specs = append(specs, append(spec, rest...))
	}
	return specs, nil
}

// severalAddresses reports whether a host of the selector has several addresses. iptables makes a
// rule of each.
func (c *compilation) severalAddresses() bool {
	m := &c.fault.Match
	return slices.ContainsFunc([]string{m.From, m.To}, func(name string) bool {
		h := c.topology.Host(name)
		return h != nil && len(h.Addrs) > 1
	})
}

// addresses returns all addresses of a host, as -s and -d take them. iptables makes a rule of each.
func (c *compilation) addresses(host string) (string, error) {
	h := c.topology.Host(host)
	if h == nil {
		return "", c.errorf(code.UnknownName, "unknown host %q", host)
	}
	var list []string
	for _, a := range h.Addrs {
		list = append(list, a.String())
	}
	return strings.Join(list, ","), nil
}

// kindFlags are the matches for each segment kind. The kinds that depend on the payload also need
// bpf.
var kindFlags = map[language.SegmentKind][]string{
	language.SYN:        {"--tcp-flags", "SYN,RST,ACK", "SYN"},
	language.SYNACK:     {"--tcp-flags", "SYN,RST,ACK", "SYN,ACK"},
	language.FIN:        {"--tcp-flags", "FIN,SYN,RST", "FIN"},
	language.RST:        {"--tcp-flags", "RST", "RST"},
	language.ACK:        {"--tcp-flags", "FIN,SYN,RST,ACK", "ACK"},
	language.DATA:       {"--tcp-flags", "FIN,SYN,RST", "NONE"},
	language.AnySegment: nil,
}

// protocols returns the alternatives for the protocol, the segment kind and the payload length of a
// selector.
func (c *compilation) protocols() ([][]string, error) {
	m := &c.fault.Match
	length := (*language.Count)(nil)
	if m.Payload != nil {
		length = m.Payload.Length
	}
	v6 := c.topology.Family == language.V6
	kinds := m.TCP
	ports := len(m.Port)+len(m.SPort)+len(m.DPort) > 0
	if len(kinds) == 0 && m.UDP == "" && m.ICMP == "" &&
		(ports || length != nil || len(m.Options) > 0) {
		if len(m.Options) > 0 {
			kinds = language.Kinds{language.AnySegment}
		} else {
			return nil, c.errorf(code.MissingKey,
				"ports and lengths need a protocol: add tcp or udp to match")
		}
	}
	switch {
	case len(kinds) > 0:
		var all [][]string
		for _, k := range kinds {
			flags, ok := kindFlags[k]
			if !ok {
				return nil, c.errorf(code.UnknownWord, "unknown segment kind %q", k)
			}
			spec := append([]string{"-p", "tcp"}, flags...)
			want := length
			switch {
			case k == language.ACK:
				want = &language.Count{Min: 0, Max: 0}
			case k == language.DATA && want == nil:
				want = &language.Count{Min: 1, Max: maxLength}
			case k == language.DATA:
				want = &language.Count{Min: max(want.Min, 1), Max: want.Max}
			}
			if want != nil {
				spec = append(spec, "-m", "bpf", "--bytecode", payloadLength("tcp", v6, *want))
			}
			all = append(all, spec)
		}
		return all, nil
	case m.UDP != "":
		spec := []string{"-p", "udp"}
		if length != nil {
			spec = append(spec, "-m", "bpf", "--bytecode", payloadLength("udp", v6, *length))
		}
		return [][]string{spec}, nil
	case m.ICMP != "":
		return c.icmp()
	}
	return [][]string{nil}, nil
}

// icmpTypes are the names of ICMP messages in iptables and ip6tables, "" where it has none and takes
// their numbers.
var icmpTypes = map[string][2]string{
	"port-unreachable":     {"port-unreachable", "port-unreachable"},
	"host-unreachable":     {"host-unreachable", "address-unreachable"},
	"net-unreachable":      {"network-unreachable", "no-route"},
	"proto-unreachable":    {"protocol-unreachable", "unknown-header-type"},
	"net-prohibited":       {"network-prohibited", "communication-prohibited"},
	"host-prohibited":      {"host-prohibited", "communication-prohibited"},
	"admin-prohibited":     {"communication-prohibited", "communication-prohibited"},
	"fragmentation-needed": {"fragmentation-needed", "packet-too-big"},
	"echo-request":         {"echo-request", "echo-request"},
	"echo-reply":           {"echo-reply", "echo-reply"},
	"time-exceeded":        {"ttl-zero-during-transit", "ttl-zero-during-transit"},
}

func (c *compilation) icmp() ([][]string, error) {
	name := c.fault.Match.ICMP
	v6 := c.topology.Family == language.V6
	spec := []string{"-p", "icmp"}
	flag, column := "--icmp-type", 0
	if v6 {
		spec, flag, column = []string{"-p", "ipv6-icmp"}, "--icmpv6-type", 1
	}
	if name == "any" {
		return [][]string{spec}, nil
	}
	n, ok := packet.ICMPNumbersOf(name, v6)
	word := icmpTypes[name][column]
	switch {
	case !ok:
		return nil, c.errorf(code.UnknownWord, "unknown ICMP message %q", name)
	case name == "parameter-problem" && v6:
		// One of its codes has another name.
		return nil, c.needsQueue("match icmp: " + name)
	case word != "":
	case n.Code == packet.AnyCode:
		word = strconv.Itoa(int(n.Type))
	default:
		word = fmt.Sprintf("%d/%d", n.Type, n.Code)
	}
	return [][]string{append(spec, flag, word)}, nil
}

func (c *compilation) ports() ([]string, error) {
	m := &c.fault.Match
	// One source or destination port is a match of the protocol itself, and comes first: after
	// multiport, its option would be taken for an abbreviation of multiport's.
	var spec, lists []string
	for _, p := range []struct {
		flag, one string
		ports     language.Ports
	}{{"--ports", "", m.Port}, {"--sports", "--sport", m.SPort}, {"--dports", "--dport", m.DPort}} {
		const most = 15 // XT_MULTI_PORTS
		var list []string
		used := 0
		for _, port := range p.ports {
			text := strconv.Itoa(port.First)
			used++
			if port.First != port.Last {
				text += ":" + strconv.Itoa(port.Last)
				used++ // multiport stores a range in two of its places
			}
			list = append(list, text)
		}
		switch {
		case used > most:
			return nil, c.needsQueue(fmt.Sprintf(
				"match more than %d ports in a list (a range counts as two)", most))
		case len(list) == 1 && p.one != "":
			spec = append(spec, p.one, list[0])
		case len(list) > 0:
			lists = append(lists, "-m", "multiport", p.flag, strings.Join(list, ","))
		}
	}
	return append(spec, lists...), nil
}

func (c *compilation) tcpOptions() ([]string, error) {
	options := c.fault.Match.Options
	var spec []string
	for name, there := range options {
		kind, ok := language.TCPOptionKind(name)
		switch {
		case !ok:
			return nil, c.errorf(code.UnknownWord, "unknown TCP option %q", name)
		case len(options) > 1:
			return nil, c.needsQueue("match several TCP options at once")
		case !there:
			spec = append(spec, "!")
		}
		spec = append(spec, "--tcp-option", strconv.Itoa(int(kind)))
	}
	return spec, nil
}

func (c *compilation) ttl() ([]string, error) {
	want := c.fault.Match.TTL
	if want == nil {
		return nil, nil
	}
	module, flag := "ttl", "--ttl-"
	if c.topology.Family == language.V6 {
		module, flag = "hl", "--hl-"
	}
	switch {
	case want.Min == want.Max:
		return []string{"-m", module, flag + "eq", strconv.FormatInt(want.Min, 10)}, nil
	case want.Max > 255:
		return []string{"-m", module, flag + "gt", strconv.FormatInt(want.Min-1, 10)}, nil
	case want.Min <= 0:
		return []string{"-m", module, flag + "lt", strconv.FormatInt(want.Max+1, 10)}, nil
	}
	return nil, c.needsQueue("match a TTL range with both bounds")
}
