package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// readyTimeout is how long a network may take until its links are usable. The kernel's own rate
// limit is 1 s.
const readyTimeout = 5 * time.Second

// awaitReady waits for work that the kernel does on other threads after a link is up, and reports
// only by the resulting state. Until an end that came up first has noticed its carrier, it drops
// what it should send (linkwatch_do_dev in net/core/link_watch.c). Until an IPv6 address has joined
// its solicited-node group, nobody answers requests for it (addrconf_dad_work in
// net/ipv6/addrconf.c), and they are repeated only after 1 s. Until a router has a link-local
// address, it does not ask for its neighbours (ndisc_send_ns in net/ipv6/ndisc.c).
func (n *Network) awaitReady() error {
	deadline := time.Now().Add(readyTimeout)
	for i := range n.topology.Hosts {
		h := &n.topology.Hosts[i]
		for {
			missing, err := n.unready(h)
			if err != nil {
				return err
			}
			if missing == "" {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("the network of %s is not ready after %s: %s", h.Name, readyTimeout, missing)
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
	return nil
}

// unready returns the first thing that a host still lacks, or "".
func (n *Network) unready(h *Host) (string, error) {
	ns := n.namespaces[h.Name]
	groups := ""
	err := ns.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/igmp6")
		if errors.Is(err, os.ErrNotExist) {
			return nil // a kernel without IPv6
		}
		groups = string(text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the multicast groups of %s: %w", h.Name, err)
	}
	for _, end := range n.topology.LinkEnds(h.Name) {
		link, err := ns.nl.LinkByName(end.Device)
		if err != nil {
			return "", fmt.Errorf("finding %s:%s: %w", h.Name, end.Device, err)
		}
		// lo has no carrier to wait for, and no neighbours that ask.
		peers := end.Peer != ""
		if state := link.Attrs().OperState; peers && state != netlink.OperUp {
			return fmt.Sprintf("%s is %s", end.Device, state), nil
		}
		for _, p := range n.topology.prefixes(h, end.Device) {
			if !p.Addr().Is6() {
				continue
			}
			if peers && !joined(groups, end.Device, p.Addr()) {
				return fmt.Sprintf("%s has not joined the solicited-node group of %s",
					end.Device, p.Addr()), nil
			}
			if !local(ns, p.Addr()) {
				return fmt.Sprintf("%s has no local route for %s", end.Device, p.Addr()), nil
			}
			if ok, err := linkLocal(ns, link); peers && (!ok || err != nil) {
				return end.Device + " has no usable link-local address", err
			}
		}
	}
	return "", nil
}

// local reports whether the host accepts packets to the address as its own. This route, too, comes
// from addrconf_dad_work.
func local(ns *Namespace, a netip.Addr) bool {
	routes, err := ns.nl.RouteGet(a.AsSlice())
	return err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL
}

// linkLocal reports whether a link has a usable link-local address.
func linkLocal(ns *Namespace, link netlink.Link) (bool, error) {
	addresses, err := ns.nl.AddrList(link, netlink.FAMILY_V6)
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		return false, nil // they changed while they were listed: not ready yet
	}
	if err != nil {
		return false, fmt.Errorf("listing the addresses of %s:%s: %w", ns.Name(), link.Attrs().Name, err)
	}
	return slices.ContainsFunc(addresses, func(a netlink.Addr) bool {
		return a.Scope == unix.RT_SCOPE_LINK && a.Flags&unix.IFA_F_TENTATIVE == 0
	}), nil
}

// joined reports whether a device is in the solicited-node group of an address (RFC 4291, section
// 2.7.1), given /proc/net/igmp6: a line for each group, with index, device, group in hexadecimal.
func joined(groups, device string, a netip.Addr) bool {
	b := a.As16()
	want := fmt.Sprintf("ff0200000000000000000001ff%x", b[13:])
	for line := range strings.Lines(groups) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == device && f[2] == want {
			return true
		}
	}
	return false
}
