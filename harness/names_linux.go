package harness

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/nameserver"
	"halfopen/harness/internal/sandbox"
	"halfopen/inject"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// The files by which programs resolve names.
const (
	hostsPath  = "/etc/hosts"
	resolvPath = "/etc/resolv.conf"
)

// noNameserver is the resolv.conf(5) of a lab without a name server. Without it the C library would
// ask 127.0.0.1, and wait for nothing; nobody listens there, so that it learns at once.
const noNameserver = "# This lab has no name server: its hosts are in /etc/hosts.\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n"

// nameFiles returns the files by which the programs of a scenario resolve names, without those that
// the scenario places itself.
func nameFiles(s *language.Scenario) ([]sandbox.PlacedFile, error) {
	topology, err := network.Plan(s)
	if err != nil {
		return nil, err
	}
	hosts := topology.HostsFile()
	if s.DNS != nil && s.DNS.HostsFile != nil && !*s.DNS.HostsFile {
		hosts = network.Localhost
	}
	resolv, err := resolvFile(s, topology)
	if err != nil {
		return nil, err
	}
	files := []sandbox.PlacedFile{
		{Path: hostsPath, Text: hosts, Mode: language.PlacedMode},
		{Path: resolvPath, Text: resolv, Mode: language.PlacedMode},
	}
	return slices.DeleteFunc(files, func(f sandbox.PlacedFile) bool {
		return slices.ContainsFunc(s.Files, func(p language.PlacedFile) bool { return p.Path == f.Path })
	}), nil
}

// resolvFile returns the resolv.conf(5) of a lab.
func resolvFile(s *language.Scenario, topology *network.Topology) (string, error) {
	var servers []string
	options := ""
	switch {
	case s.Resolv != nil:
		servers, options = s.Resolv.Nameservers, s.Resolv.Options
	case s.DNS != nil:
		servers = []string{s.DNS.Server}
	default:
		return noNameserver, nil
	}
	var b strings.Builder
	for _, ref := range servers {
		addresses, err := topology.Addresses(ref)
		if err != nil {
			return "", fmt.Errorf("resolv: %w", err)
		}
		fmt.Fprintf(&b, "nameserver %s\n", addresses[0])
	}
	if options != "" {
		fmt.Fprintf(&b, "options %s\n", options)
	}
	return b.String(), nil
}

// zoneOf returns what the name server of a scenario knows: its records, and the hosts of the lab.
func zoneOf(s *language.Scenario, topology *network.Topology) (nameserver.Zone, error) {
	zone := nameserver.Zone{}
	for i := range topology.Hosts {
		if h := &topology.Hosts[i]; h.Name != language.Wire {
			zone.Add(h.Name, h.Addrs...)
		}
	}
	for i := range s.DNS.Records {
		r := &s.DNS.Records[i]
		zone.Add(r.Name) // a name may have no address
		for _, ref := range r.Addresses {
			addresses, err := topology.Addresses(ref)
			if err != nil {
				return nil, fmt.Errorf("%s: dns: %s: %w", r.Pos, r.Name, err)
			}
			zone.Add(r.Name, addresses...)
		}
	}
	return zone, nil
}

// serveNames starts the name server of the scenario, if it has one.
func (l *lab) serveNames() error {
	if l.Scenario.DNS == nil {
		return nil
	}
	topology := l.net.Topology()
	zone, err := zoneOf(l.Scenario, topology)
	if err != nil {
		return err
	}
	addresses, err := topology.Addresses(l.Scenario.DNS.Server)
	if err != nil {
		return err
	}
	var udp []net.PacketConn
	var tcp []net.Listener
	// The sockets stay in the namespace in which they were made, whatever thread uses them.
	err = l.net.Host(l.Scenario.DNS.Server).Do(func() error {
		for _, a := range addresses {
			at := netip.AddrPortFrom(a, 53).String()
			u, err := net.ListenPacket("udp", at)
			if err != nil {
				return err
			}
			udp = append(udp, u)
			t, err := net.Listen("tcp", at)
			if err != nil {
				return err
			}
			tcp = append(tcp, t)
		}
		return nil
	})
	l.names = nameserver.Serve(zone, udp, tcp)
	if errors.Is(err, unix.EACCES) {
		return &inject.MissingError{
			Feature: "CAP_NET_BIND_SERVICE", NeededBy: "the name server on " + l.Scenario.DNS.Server, Err: err,
			Remedy: "in a container, run it with --cap-add NET_BIND_SERVICE",
		}
	}
	if err != nil {
		return fmt.Errorf("starting the name server on %s: %w", l.Scenario.DNS.Server, err)
	}
	return nil
}
