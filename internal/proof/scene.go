package proof

import (
	"slices"
	"strings"

	"halfopen/internal/pattern"

	"halfopen/scenarios/language"
)

// Scene is what a trace does not say about its run.
type Scene struct {
	// Host returns the host of an actor.
	Host func(actor string) string
	// Output and Input are true for a host whose packets the capture shows as its sockets sent or
	// got them. They are false where something may take packets away, keep or change them between
	// the two: a fault at the host's output or input, a link that is taken down, a program.
	Output, Input func(host string) bool
	// Forges is true for a host whose captured RSTs may have been made by a fault.
	Forges func(host string) bool
	// Crafts is true for a host where a program may send packets by raw sockets.
	Crafts func(host string) bool
	// Translates is true for a host whose sockets may have other addresses than their packets.
	Translates func(host string) bool
}

// SceneOf returns the scene of a scenario. Of a nil one nothing is known: its actors are named as
// their hosts, and anything may happen to its packets.
func SceneOf(s *language.Scenario) Scene {
	if s == nil {
		unknown := func(string) bool { return false }
		return Scene{
			Host: func(actor string) string { return actor }, Input: unknown, Output: unknown,
			Forges: func(string) bool { return true }, Crafts: unknown, Translates: unknown,
		}
	}
	unfaithful, forges := map[string]bool{}, map[string]bool{}
	for i := range s.Faults {
		f := &s.Faults[i]
		at := f.At
		if at == "" && s.Network.Shape != language.ShapeWire && s.Network.Shape != "" {
			for _, h := range s.Hosts {
				unfaithful[h.Name+".input"] = true
			}
		}
		unfaithful[at] = true
		for _, h := range s.Hosts {
			if s.Network.Shape == language.ShapeLoopback && unfaithful[h.Name+".input"] {
				unfaithful[h.Name+".output"] = true // what it sends again is captured, too
			}
			if strings.HasPrefix(at, h.Name+".") && (f.Do.Reset != nil || f.Do.Reject != nil) {
				forges[h.Name] = true
			}
		}
	}
	hosts, crafts, translates := map[string]string{}, map[string]bool{}, map[string]bool{}
	for i := range s.Actors {
		a := &s.Actors[i]
		hosts[a.Name] = a.Host
		language.EachStep(a.Steps, func(st *language.Step) {
			switch {
			case st.Op.Link != nil:
				host := st.Op.Link.AtHost(a.Host).Link.Host
				unfaithful[host+".input"], unfaithful[host+".output"] = true, true
			case st.Op.Launch() != nil:
				l := st.Op.Launch()
				text := strings.Join(append(slices.Clone(l.Command), l.Stdin), "\n")
				if changesPackets.MatchString(text) {
					unfaithful[a.Host+".input"], unfaithful[a.Host+".output"] = true, true
				}
				crafts[a.Host] = crafts[a.Host] || craftsPackets.MatchString(text)
				translates[a.Host] = translates[a.Host] || translatesAddresses.MatchString(text)
			}
		})
	}
	return Scene{
		Host:       func(actor string) string { return hosts[actor] },
		Input:      func(host string) bool { return !unfaithful[host+".input"] },
		Output:     func(host string) bool { return !unfaithful[host+".output"] },
		Forges:     func(host string) bool { return forges[host] },
		Crafts:     func(host string) bool { return crafts[host] },
		Translates: func(host string) bool { return translates[host] },
	}
}

var (
	// changesPackets matches commands that can take packets away or change them between a host's
	// sockets and the capture, or make namespaces of their own.
	changesPackets = pattern.New(`\b(iptables|ip6tables|ebtables|nft|ipset|ipvsadm|` +
		`tc|ip|ifconfig|route|ethtool|bridge|bpftool|nsenter|unshare)\b`)
	// craftsPackets matches commands that can send packets by raw sockets.
	craftsPackets = pattern.New(`\b(nping|hping3?|nmap|masscan|scapy|packetdrill|` +
		`tcpreplay|trafgen|mz|mausezahn|tcpkill|SOCK_RAW|AF_PACKET)\b`)
	// translatesAddresses matches commands that can make the addresses of packets others than those of
	// their sockets.
	translatesAddresses = pattern.New(
		`\b(nat|SNAT|DNAT|MASQUERADE|REDIRECT|NETMAP|TPROXY|nft|ipvsadm)\b`)
)
