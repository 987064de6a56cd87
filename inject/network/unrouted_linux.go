package network

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"halfopen/inject"
	"halfopen/internal/iptables"
	"halfopen/scenarios/language"
)

// AnswerUnrouted makes the wire answer each packet for which it has no route, if the topology says
// that there may be some. run is called with the function that runs iptables and waits for it. If
// the error is a *inject.MissingError, the kernel's own few answers stay.
func (n *Network) AnswerUnrouted(run func(func() error) error) error {
	if !n.topology.Unrouted {
		return nil
	}
	wire := n.namespaces[language.Wire]
	err := run(func() error {
		return iptables.Within(false, func() error {
			tables, err := iptables.New(false)
			if err != nil {
				return err
			}
			return wire.Do(func() error {
				return tables.Append("filter", "FORWARD", unroutedRule...)
			})
		})
	})
	if reason, failed := iptables.Failed(err); failed {
		return noReject(reason)
	}
	if iptables.Missing(err) {
		return noReject(err)
	}
	if err != nil {
		return fmt.Errorf("answering packets without a route: %w", err)
	}
	lo, err := wire.nl.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding lo of %s: %w", wire.name, err)
	}
	// Only after the rule: without it, such a packet would go round on lo.
	route := &netlink.Route{
		LinkIndex: lo.Attrs().Index, Priority: unroutedMetric, Scope: netlink.SCOPE_LINK,
		Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
	}
	if err := wire.nl.RouteAdd(route); err != nil {
		return fmt.Errorf("adding the default route of %s: %w", wire.name, err)
	}
	return nil
}

func noReject(err error) error {
	return &inject.MissingError{
		Feature:  "iptables with REJECT",
		NeededBy: "more than 5 ICMP net unreachable in a row",
		Remedy:   "install it: make deps, or apt-get install iptables",
		Err:      err,
	}
}
