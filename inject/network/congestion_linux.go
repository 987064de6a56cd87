package network

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// SetSysctl sets a kernel parameter of a host. A congestion control takes the place of the one that
// the host's routes name, too: theirs would win. One that the kernel lets no namespace set is only
// named in the routes. The error is a *[SysctlError], unless a route could not be changed.
func (n *Network) SetSysctl(host, name, value string) error {
	n.routing.Lock()
	defer n.routing.Unlock()
	err := n.namespaces[host].SetSysctl(name, value)
	byRoutes := errors.Is(err, unix.EPERM) || err == nil && n.viaRoute[host] != ""
	if name != congestionControl || !byRoutes {
		return err
	}
	n.viaRoute[host] = value
	return n.routeCongestion(host)
}

// routeCongestion makes all routes of a host name its congestion control if its sysctl could not,
// including the routes to itself.
func (n *Network) routeCongestion(host string) error {
	name := n.viaRoute[host]
	if name == "" {
		return nil
	}
	nl := n.namespaces[host].nl
	family := netlink.FAMILY_V4
	if n.topology.Family == language.V6 {
		family = netlink.FAMILY_V6
	}
	for _, table := range []int{unix.RT_TABLE_MAIN, unix.RT_TABLE_LOCAL} {
		routes, err := nl.RouteListFiltered(family, &netlink.Route{Table: table}, netlink.RT_FILTER_TABLE)
		if err != nil {
			return fmt.Errorf("listing the routes of %s: %w", host, err)
		}
		for i := range routes {
			r := &routes[i]
			if r.Type != unix.RTN_UNICAST && r.Type != unix.RTN_LOCAL || r.Congctl == name {
				continue
			}
			if r.Dst != nil && r.Dst.IP.IsLinkLocalUnicast() {
				continue // every device has this route, and any of them might be replaced
			}
			replace := nl.RouteReplace
			if family == netlink.FAMILY_V6 && r.Priority == 0 {
				// The kernel's own route has a metric that nobody else can set, so it cannot be
				// replaced.
				if err := nl.RouteDel(r); err != nil {
					return fmt.Errorf("deleting the route of %s to %s: %w", host, r.Dst, err)
				}
				replace = nl.RouteAdd
			}
			r.Congctl = name
			if err := replace(r); err != nil {
				return fmt.Errorf("naming congestion control %s in the route of %s to %s: %w",
					name, host, r.Dst, err)
			}
		}
	}
	return nil
}
