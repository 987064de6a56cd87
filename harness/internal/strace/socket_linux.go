package strace

import (
	"maps"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// kind is a kind of socket of IP.
type kind struct{ kind, protocol int }

// kinds are the kinds by the names that the kernel gives protocols (struct proto), without the v6 at the
// end.
var kinds = map[string]kind{
	"TCP": {unix.SOCK_STREAM, unix.IPPROTO_TCP}, "MPTCP": {unix.SOCK_STREAM, unix.IPPROTO_MPTCP},
	"UDP": {unix.SOCK_DGRAM, unix.IPPROTO_UDP}, "UDP-Lite": {unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE},
	"PING": {unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, "RAW": {unix.SOCK_RAW, unix.IPPROTO_RAW},
	"SCTP": {unix.SOCK_STREAM, unix.IPPROTO_SCTP},
}

// descriptor is a descriptor of a program.
type descriptor struct {
	fd int
	// known is false if strace could not see what it stands for, as of a program that has changed its user.
	known bool
	// kind is that of a socket of IP; zero for all other files.
	kind
	// local and remote are the ends that strace knows.
	local, remote netip.AddrPort
}

// parseDescriptor parses "3<TCP:[127.0.0.1:38760->127.0.0.1:57505]>", or "3<TCP:[90335063]>" of a socket
// without addresses.
func parseDescriptor(text string) (d descriptor, ok bool) {
	number, rest, known := strings.Cut(text, "<")
	d.known = known
	if d.fd, ok = integer[int](number); !ok {
		return d, false
	}
	name, rest, _ := strings.Cut(rest, ":[")
	if d.kind, ok = kinds[strings.TrimSuffix(name, "v6")]; !ok {
		return d, true
	}
	ends, _ := strings.CutSuffix(rest, "]>")
	local, remote, _ := strings.Cut(ends, "->")
	d.local, d.remote = address(local), address(remote)
	return d, true
}

// address parses an address with a port; invalid is unknown.
func address(text string) netip.AddrPort {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// file is a descriptor of a process.
type file struct{ pid, fd int }

// socket is what is known of a descriptor.
type socket struct {
	// known is set if anything is.
	known bool
	// kind is that of a socket of IP; zero for all other files.
	kind
	local, remote netip.AddrPort
}

func (s *socket) isIP() bool { return s.kind != kind{} }

// sockets are the sockets by their latest descriptors. strace does not find the addresses of a socket that
// is closed, after a reset for one, and knows nothing of those of a program that has changed its user.
type sockets struct {
	of map[file]socket
	// parents are the processes that others were forked from.
	parents map[int]int
}

// mostSockets bounds the sockets that are remembered.
const mostSockets = 100_000

// see returns what is known of a descriptor, and remembers it.
func (k *sockets) see(pid int, d descriptor) socket {
	last := k.last(pid, d.fd)
	if !d.known {
		return last
	}
	s := socket{true, d.kind, d.local, d.remote}
	if !s.isIP() {
		if last.isIP() { // of others, there are too many
			k.set(pid, d.fd, s)
		}
		return s
	}
	if !s.local.IsValid() {
		s.local = last.local
	}
	if !s.remote.IsValid() && (s.local == last.local || !last.local.IsValid()) {
		s.remote = last.remote
	}
	k.set(pid, d.fd, s)
	return s
}

func (k *sockets) set(pid, fd int, s socket) {
	if _, there := k.of[file{pid, fd}]; there || len(k.of) < mostSockets {
		k.of[file{pid, fd}] = s
	}
}

// last returns what is remembered of a descriptor, which may be inherited.
func (k *sockets) last(pid, fd int) socket {
	const generations = 8
	for range generations {
		if s, ok := k.of[file{pid, fd}]; ok {
			return s
		}
		parent, ok := k.parents[pid]
		if !ok {
			break
		}
		pid = parent
	}
	return socket{}
}

// forget forgets a process.
func (k *sockets) forget(pid int) {
	maps.DeleteFunc(k.of, func(f file, _ socket) bool { return f.pid == pid })
	delete(k.parents, pid)
}
