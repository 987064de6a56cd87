package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"halfopen/inject"
	"halfopen/scenarios/language"
)

// Network is a topology that has been built.
type Network struct {
	topology   *Topology
	namespaces map[string]*Namespace
	sysctls    []SysctlResult
	// initial are the values of pinnedConstants in a new namespace, once they have been read.
	initial map[string]string
	// viaRoute is the congestion control that the routes of a host must name, by host.
	viaRoute map[string]string
	// routing is held while sysctls of a running lab change viaRoute and routes.
	routing sync.Mutex
	undo    []func() error
}

// SysctlResult is a kernel parameter that was set or, if Missing, that the kernel does not have.
type SysctlResult struct {
	Host, Name, Value string
	Missing           bool
	// Routes is set for a congestion control that the kernel lets only its first namespace set. The
	// routes of the host name it, so that connections have it, and Value is what the parameter kept.
	// Asked is true if the scenario asks for it.
	Routes string
	Asked  bool
}

// socketTable is the number of buckets in each host's table of TCP sockets. By default all
// namespaces share the machine's table, and every sock_diag dump walks through its hundreds of
// thousands of buckets.
const socketTable = "512"

// Build builds the topology: it calls [Make] and [Network.Connect].
func Build(t *Topology) (*Network, error) {
	n, err := Make(t)
	if err != nil {
		return nil, err
	}
	if err := n.Connect(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Make makes the hosts, as namespaces without links. Processes may start there while
// [Network.Connect] does the rest. The caller must be alone in a separate network namespace, with
// CAP_NET_ADMIN over it. In the shape wire that namespace becomes the wire; in the others it is not
// used.
func Make(t *Topology) (_ *Network, err error) {
	n := &Network{topology: t, namespaces: map[string]*Namespace{}, viaRoute: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	// Kernels before 6.1 do not have this parameter. They are slower, with the same results.
	if err := setSysctl("the lab", "net.ipv4.tcp_child_ehash_entries", socketTable); err != nil &&
		!errors.Is(err, unix.ENOENT) {
		return nil, err
	}
	for i := range t.Hosts {
		name := t.Hosts[i].Name
		ns, err := newNamespace(name, name != language.Wire)
		if err != nil {
			return nil, err
		}
		n.namespaces[name] = ns
		n.undo = append(n.undo, ns.close)
	}
	return n, nil
}

// Connect sets the hosts' kernel parameters, and makes links, addresses and routes. Call it once.
func (n *Network) Connect() error {
	t := n.topology
	own := map[string][]language.Sysctl{}
	for i := range t.Hosts {
		h := &t.Hosts[i]
		early := slices.IndexFunc(h.Sysctls, func(s language.Sysctl) bool { return s.Pos.Line > 0 })
		if early < 0 {
			early = len(h.Sysctls)
		}
		own[h.Name] = h.Sysctls[early:]
		if err := n.setSysctls(h, h.Sysctls[:early]); err != nil {
			return err
		}
	}
	for i := range t.Links {
		if err := n.addLink(i); err != nil {
			return err
		}
	}
	for i := range t.Hosts {
		if err := n.configure(&t.Hosts[i]); err != nil {
			return err
		}
		// The scenario's own parameters come last, because they may be parameters of a device.
		if err := n.setSysctls(&t.Hosts[i], own[t.Hosts[i].Name]); err != nil {
			return err
		}
	}
	if err := n.awaitReady(); err != nil {
		return err
	}
	for i := range t.Hosts {
		if err := n.routeCongestion(t.Hosts[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// Host returns the namespace of a host, or nil.
func (n *Network) Host(name string) *Namespace { return n.namespaces[name] }

// Topology returns the topology that was built.
func (n *Network) Topology() *Topology { return n.topology }

// Sysctls returns the parameters that were set or are missing, in order.
func (n *Network) Sysctls() []SysctlResult { return n.sysctls }

// Close releases all namespaces. Links, addresses and routes go with them once no process is left
// in them.
func (n *Network) Close() error {
	var errs []error
	for _, f := range slices.Backward(n.undo) {
		errs = append(errs, f())
	}
	n.undo = nil
	return errors.Join(errs...)
}

func (n *Network) setSysctls(h *Host, list []language.Sysctl) error {
	if len(list) == 0 {
		return nil
	}
	return n.namespaces[h.Name].Do(func() error {
		if n.initial == nil && h.Name != language.Wire {
			n.initial = readInitial()
		}
		for _, s := range list {
			result := SysctlResult{Host: h.Name, Name: s.Name, Value: s.Value}
			if s.Pos.Line == 0 && n.initial[s.Name] == s.Value {
				n.sysctls = append(n.sysctls, result)
				continue
			}
			err := setSysctl(h.Name, s.Name, s.Value)
			if s.Name == congestionControl {
				delete(n.viaRoute, h.Name)
				if errors.Is(err, unix.EPERM) {
					// Only the first namespace may choose a congestion control that the machine
					// does not allow everybody (tcp_cong.c). Routes may still name it.
					n.viaRoute[h.Name] = s.Value
					result.Routes, result.Asked = s.Value, s.Pos.Line != 0
					result.Value, _, err = readSysctl(h.Name, s.Name)
				}
			}
			missing := s.Optional && lacks(err)
			if err != nil && !missing {
				return at(s.Pos, err)
			}
			result.Missing = missing
			n.sysctls = append(n.sysctls, result)
		}
		return nil
	})
}

// readInitial returns the values of pinnedConstants in the new namespace of the calling thread. To set
// them where they are right would take a quarter of the time in which a host is built. A value that
// cannot be read is left out.
func readInitial() map[string]string {
	initial := make(map[string]string, len(pinnedConstants))
	var buf [64]byte
	for _, s := range pinnedConstants {
		fd, err := unix.Open(sysctlPath(s.Name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		n, err := unix.Read(fd, buf[:])
		unix.Close(fd)
		if err == nil {
			initial[s.Name] = strings.Join(strings.Fields(string(buf[:n])), " ")
		}
	}
	return initial
}

// lacks reports whether a parameter was not set because namespaces of this machine do not have it.
func lacks(err error) bool {
	var lacking *inject.MissingError
	return errors.As(err, &lacking)
}

// at puts the place in the scenario before the message, if there is one.
func at(pos language.Pos, err error) error {
	if pos.Line == 0 {
		return err
	}
	var refused *inject.RefusedError
	if errors.As(err, &refused) {
		return &inject.RefusedError{Text: fmt.Sprintf("%s: %s", pos, refused.Text)}
	}
	return fmt.Errorf("%s: %w", pos, err)
}

// addLink makes a veth pair, each end in its namespace.
func (n *Network) addLink(i int) error {
	l := &n.topology.Links[i]
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = l.B.Device, l.MTU, hardwareAddr(i, 1)
	// If both ends have the same index, the kernel does not treat the link as urgent, and may take
	// a second to notice that it is up (linkwatch_urgent_event in net/core/link_watch.c).
	attrs.Index = firstIndex + i
	veth := netlink.NewVeth(attrs)
	veth.PeerName = l.A.Device
	veth.PeerHardwareAddr = hardwareAddr(i, 2)
	veth.PeerMTU = uint32(l.MTU)
	veth.PeerNamespace = netlink.NsFd(n.namespaces[l.A.Host].FD())
	if err := n.namespaces[l.B.Host].nl.LinkAdd(veth); err != nil {
		return fmt.Errorf("adding the link %s - %s: %w", l.A.Host, l.B.Host, err)
	}
	return nil
}

// configure brings up the devices of a host, with their addresses and routes.
func (n *Network) configure(h *Host) error {
	ns := n.namespaces[h.Name]
	if err := ns.nl.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("bringing up lo of %s: %w", h.Name, err)
	}
	for _, end := range n.topology.LinkEnds(h.Name) {
		if !n.topology.Offloads {
			if err := ns.Do(func() error { return offloadsOff(end.Device) }); err != nil {
				return fmt.Errorf("turning off the offloads of %s:%s: %w", h.Name, end.Device, err)
			}
		}
		link, err := ns.nl.LinkByName(end.Device)
		if err != nil {
			return fmt.Errorf("finding %s:%s: %w", h.Name, end.Device, err)
		}
		for _, p := range n.topology.prefixes(h, end.Device) {
			if err := addAddress(ns, link, p); err != nil {
				return fmt.Errorf("adding address %s to %s:%s: %w", p, h.Name, end.Device, err)
			}
		}
		if err := ns.nl.LinkSetUp(link); err != nil {
			return fmt.Errorf("bringing up %s:%s: %w", h.Name, end.Device, err)
		}
	}
	return n.addRoutes(h)
}

// loopback is lo: the kernel gives it the index LOOPBACK_IFINDEX in every namespace.
var loopback = &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}

// firstIndex is the interface index of the first link's end B, far from the indexes that the kernel
// assigns.
const firstIndex = 100

func addAddress(ns *Namespace, link netlink.Link, p netip.Prefix) error {
	addr := &netlink.Addr{
		IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())},
	}
	if p.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	return ns.nl.AddrAdd(link, addr)
}

func (n *Network) addRoutes(h *Host) error {
	ns := n.namespaces[h.Name]
	if h.Gateway.IsValid() {
		bits := h.Gateway.BitLen()
		route := &netlink.Route{
			Dst: &net.IPNet{IP: make(net.IP, bits/8), Mask: net.CIDRMask(0, bits)}, Gw: h.Gateway.AsSlice(),
		}
		if err := ns.nl.RouteAdd(route); err != nil {
			return fmt.Errorf("adding the default route of %s: %w", h.Name, err)
		}
	}
	for _, p := range n.topology.blackholes(h) {
		route := &netlink.Route{
			Dst:      &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())},
			Type:     unix.RTN_BLACKHOLE,
			Priority: lastResort,
		}
		if err := ns.nl.RouteAdd(route); err != nil {
			return fmt.Errorf("adding the blackhole route of %s: %w", p, err)
		}
	}
	return nil
}

// SetLink cuts the link of a host, or restores it. It acts on the other end (the wire's, if there
// is a wire), so that the host itself only loses its carrier. In the shape direct, the other host's
// own interface goes down, and its programs may notice.
func (n *Network) SetLink(host string, up bool) error {
	for _, l := range n.topology.Links {
		far := l.B
		switch host {
		case l.A.Host:
		case l.B.Host:
			far = l.A
		default:
			continue
		}
		if host == language.Wire {
			return fmt.Errorf("the wire has a link to each host: name the host at the other end")
		}
		ns := n.namespaces[far.Host]
		link, err := ns.nl.LinkByName(far.Device)
		if err != nil {
			return fmt.Errorf("finding %s:%s: %w", far.Host, far.Device, err)
		}
		set := ns.nl.LinkSetDown
		if up {
			set = ns.nl.LinkSetUp
		}
		if err := set(link); err != nil {
			return fmt.Errorf("setting the link of %s: %w", host, err)
		}
		// An interface that comes up again has new routes.
		return n.routeCongestion(far.Host)
	}
	return fmt.Errorf("host %s has no link: %w", host, os.ErrNotExist)
}
