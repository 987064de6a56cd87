package fault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/inject/network"
	"halfopen/internal/selector"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// lab is a network with a plan. Both end with the test.
type lab struct {
	t        *testing.T
	topology *network.Topology
	net      *network.Network
	plan     *Plan
	faults   *Injector
	addrs    selector.Hosts
}

// newLab builds a scenario's network and prepares its faults. No fault is in force.
func newLab(t *testing.T, s *language.Scenario, f Features) *lab {
	t.Helper()
	return newSeededLab(t, s, f, 0)
}

// newSeededLab is newLab with a seed for the random decisions of faults.
func newSeededLab(t *testing.T, s *language.Scenario, f Features, seed uint64) *lab {
	t.Helper()
	testlab.BuildsLab(t)
	l := &lab{t: t}
	l.topology, l.plan = compile(t, s, f)
	var err error
	if l.net, err = network.Build(l.topology); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.net.Close(); err != nil {
			t.Errorf("closing the network: %v", err)
		}
	})
	l.addHosts()
	began := time.Now()
	l.faults, err = Open(l.net, l.plan, Options{
		Seed:   seed,
		Hosts:  l.addrs,
		Now:    func() time.Duration { return time.Since(began) },
		Struck: func(string, Strike) {},
		Failed: func(err error) { t.Errorf("in a queue: %v", err) },
	})
	testlab.Supported(t, err)
	t.Cleanup(func() {
		if err := l.faults.Close(); err != nil {
			t.Errorf("closing the injector: %v", err)
		}
	})
	return l
}

func (l *lab) addHosts() {
	l.addrs = selector.Hosts{}
	for _, h := range l.topology.Hosts {
		l.addrs[h.Name] = h.Addrs
	}
}

// newLabOf makes the lab of a scenario written in the test, which has one run.
func newLabOf(t *testing.T, family language.Family, faults string) *lab {
	t.Helper()
	return newLab(t, parse(t, "lab.yaml", fmt.Appendf(nil, `name: lab
title: written in a test
ip: %s
hosts: {client: {}, server: {}}
faults: %s
actors: {client: [connect: "server:7"]}
expect: [step: client.connect]
`, family, faults))[0], Features{})
}

func (l *lab) on(fault string)  { l.t.Helper(); l.try(l.faults.On(fault)) }
func (l *lab) off(fault string) { l.t.Helper(); l.try(l.faults.Off(fault)) }

func (l *lab) hits(fault string) uint64 {
	l.t.Helper()
	n, err := l.faults.Hits(fault)
	l.try(err)
	return n
}

func (l *lab) try(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// do runs f in a host's namespace.
func (l *lab) do(host string, f func() error) {
	l.t.Helper()
	if err := l.net.Host(host).Do(f); err != nil {
		l.t.Fatalf("on %s: %v", host, err)
	}
}

// sh runs a command on a host and returns its output.
func (l *lab) sh(host, command string) (out string) {
	l.t.Helper()
	l.do(host, func() (err error) {
		out, err = shell(command)
		return err
	})
	return out
}

// shell runs a command in the namespace of the calling thread.
func shell(command string) (string, error) {
	out, err := exec.Command("sh", "-ec", command).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// mute keeps a host's kernel from answering packets. Packet sockets and all faults have seen them
// by then: the table comes after filter.
func (l *lab) mute(host string, f language.Family) {
	l.t.Helper()
	l.sh(host, program(f)+" -w -t security -A INPUT "+map[language.Family]string{
		language.V4: "-j DROP", language.V6: "-m hl --hl-lt 255 -j DROP", // neighbour discovery has 255
	}[f])
}

// raw opens a socket on a host that sends packets with their IP header, until the test ends.
func (l *lab) raw(host string, f language.Family) (fd int) {
	l.t.Helper()
	l.do(host, func() (err error) {
		fd, err = unix.Socket(map[language.Family]int{language.V4: unix.AF_INET, language.V6: unix.AF_INET6}[f], unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		return err
	})
	l.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// packetSocket opens a socket on a host that sees all packets, from their IP header on, until the
// test ends.
func (l *lab) packetSocket(host string) (fd int) {
	l.t.Helper()
	l.do(host, func() (err error) {
		all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL})
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(all))
		return err
	})
	l.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func (l *lab) resolve(ref string) netip.AddrPort {
	l.t.Helper()
	ap, err := l.topology.Resolve(ref)
	l.try(err)
	return ap
}

func sockaddr(a netip.AddrPort) (unix.Sockaddr, int) {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}, unix.AF_INET6
}

// listen opens a listening socket on a host's first address, until the test ends.
func (l *lab) listen(ref string) {
	l.t.Helper()
	host, _, _ := strings.Cut(ref, ":")
	sa, family := sockaddr(l.resolve(ref))
	l.do(host, func() error {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		l.t.Cleanup(func() { unix.Close(fd) })
		return errors.Join(unix.Bind(fd, sa), unix.Listen(fd, 128))
	})
}

// patience is how long a packet that is not lost may take.
const patience = 5 * time.Second

// connect tries to connect from a host for the given time, and returns the errno: EINPROGRESS if
// there was no answer.
func (l *lab) connect(host, ref string, patience time.Duration) (result error) {
	l.t.Helper()
	sa, family := sockaddr(l.resolve(ref))
	l.do(host, func() error {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		tv := unix.NsecToTimeval(patience.Nanoseconds())
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv); err != nil {
			return err
		}
		for {
			if result = unix.Connect(fd, sa); result != unix.EINTR {
				return nil
			}
		}
	})
	return result
}

// eventually waits until done returns true. It reports false if that takes too long.
func (l *lab) eventually(done func() bool) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
	return true
}
