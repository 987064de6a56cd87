package assertions

import (
	"net/netip"
	"strings"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// latenessOf returns how late the lab was for an expectation: without actors that nothing joins to what
// it judges. Their waits do not make it late, however many there are.
func (ev *evidence) latenessOf(e *language.Expectation) *trace.Lateness {
	concerns, some := ev.concerns(e)
	if !some {
		return ev.lateness
	}
	return ev.t.LatenessOf(func(actor string) bool { return concerns(ev.scene.Host(actor)) })
}

// concerns returns which hosts an expectation may be about: those that it names, and those that are
// joined to one of them. some is false if it may be about all, and for the run as a whole, of which e
// is nil.
func (ev *evidence) concerns(e *language.Expectation) (host func(string) bool, some bool) {
	groups := ev.groups()
	concerned := map[string]bool{}
	if e != nil {
		for _, host := range ev.named(e) {
			concerned[groups.of(host)] = true
		}
	}
	some = len(concerned) > 0
	return func(host string) bool { return !some || concerned[groups.of(host)] }, some
}

// noRoom says that the machine had no room for packets of hosts that an expectation may be about, or
// for those on the wire, which may be of any host; "" if it had.
func (ev *evidence) noRoom(e *language.Expectation) string {
	if len(ev.full) == 0 {
		return ""
	}
	concerns, _ := ev.concerns(e)
	for host := range ev.full {
		if host == language.Wire || concerns(host) {
			return "the machine's table of neighbours, which all labs share, was full (gc_thresh3)"
		}
	}
	return ""
}

// groups are hosts that are joined: map entries lead from host to host, to one that has no entry.
type groups map[string]string

func (g groups) of(host string) string {
	for g[host] != "" {
		host = g[host]
	}
	return host
}

func (g groups) join(hosts ...string) {
	for _, h := range hosts {
		if a, b := g.of(hosts[0]), g.of(h); a != b {
			g[a] = b
		}
	}
}

// groups returns which hosts are joined: by packets, by the names that steps have of others and of their
// events, and by faults that events switch.
func (ev *evidence) groups() groups {
	if ev.joined != nil {
		return ev.joined
	}
	g := groups{}
	ev.joined = g
	for i := range ev.s.Actors {
		a := &ev.s.Actors[i]
		g.join(append(ev.named(a.Steps), a.Host)...)
	}
	for i := range ev.s.Faults {
		f := &ev.s.Faults[i]
		if switches := language.EventRefs(f); len(switches) > 0 {
			g.join(append(ev.struck(f), ev.named(switches)...)...)
		}
	}
	owners := map[netip.Addr]string{}
	for host, addrs := range ev.hosts {
		for _, a := range addrs {
			owners[a.Unmap()] = host
		}
	}
	done := map[[2]netip.Addr]bool{}
	for _, i := range ev.packets {
		p := ev.t.Events[i].Packet()
		d := p.Decode()
		ends := [2]netip.Addr{d.Src.Unmap(), d.Dst.Unmap()}
		if done[ends] {
			continue
		}
		done[ends] = true
		src, dst := owners[ends[0]], owners[ends[1]]
		if src != "" && dst != "" {
			g.join(src, dst)
		}
	}
	return g
}

// struck returns the hosts whose packets a fault may strike: all, if it names none.
func (ev *evidence) struck(f *language.Fault) []string {
	if hosts := append(ev.named(f.At), ev.named(&f.Match)...); len(hosts) > 0 {
		return hosts
	}
	return ev.allHosts()
}

func (ev *evidence) allHosts() []string {
	var hosts []string
	for i := range ev.s.Hosts {
		hosts = append(hosts, ev.s.Hosts[i].Name)
	}
	return hosts
}

// watchedAt returns the hosts that an event may be about that is written as a mapping.
func (ev *evidence) watchedAt(ref language.EventRef) []string {
	switch e, err := ref.Parse(); {
	case err != nil:
	case e.Log != nil:
		return ev.named(e.Log.Log)
	case e.State != nil:
		return ev.named(e.State.Host)
	case e.Packet != nil:
		if hosts := append(ev.named(e.Packet.At), ev.named(&e.Packet.Packet)...); len(hosts) > 0 {
			return hosts
		}
		return ev.allHosts()
	}
	return nil
}

// named returns the hosts that a part of the scenario names, by themselves, by their actors or by events.
// A fault stands for all hosts.
func (ev *evidence) named(part any) []string {
	var hosts []string
	for _, text := range language.Texts(part) {
		if strings.HasPrefix(text, "{") {
			hosts = append(hosts, ev.watchedAt(language.EventRef(text))...)
		}
		name, _, _ := strings.Cut(text, ":") // of HOST:PORT
		first, rest, _ := strings.Cut(name, ".")
		switch {
		case ev.s.Host(name) != nil:
			hosts = append(hosts, name)
		case ev.s.Actor(first) != nil:
			hosts = append(hosts, ev.scene.Host(first))
		case ev.s.Host(first) != nil: // HOST.input
			hosts = append(hosts, first)
		case ev.s.Fault(name) != nil, first == "fault" && rest != "":
			hosts = append(hosts, ev.allHosts()...)
		}
	}
	return hosts
}
