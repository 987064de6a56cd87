package proof

import (
	"net/netip"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
)

// ends are the two ends of a connection as its host sees them, IPv4 as IPv4.
type ends struct{ local, remote netip.AddrPort }

// connection is everything between two ends, of one or more sockets after each other.
type connection struct {
	ends
	host  *host
	items []item
	// owner is the actor whose socket it is; "" if no step shows it.
	owner string
	// deaf is true once its owner has shut down its receiving side: recv returns 0 without a FIN.
	deaf bool
	// closings are the times at which its owner may have closed its sending side, connects those of
	// its connects.
	closings []ending
	connects []window
	// owned are its lives by the numbers of their sockets; made by lives.
	owned map[uint64]*life
	// local and remote are the ends as samples have them.
	localText, remoteText string
}

// ending is a time at which a program may have closed the sending side of a socket; if sure, it
// had certainly done so at the end.
type ending struct {
	window
	sure bool
	// cookie is the socket's number, 0 if it is not known.
	cookie uint64
}

// item is one piece of evidence of a connection.
type item struct {
	at    time.Duration
	kind  kind
	event int
	// d is a packet, of kinds sent and received.
	d *packet.Decoded
	// s is a sample. again is true for the last look that saw the socket as the one before it.
	s     *trace.Socket
	again bool
}

type kind uint8

const (
	sent kind = iota
	received
	sample
	// up says that a system call returned a connection that is established.
	up
	// eof says that a system call returned the end of the stream: the peer's FIN has come.
	eof
	// down says that a system call returned the error that ended the connection.
	down
)

// opened returns when the connect began that sent the SYN that was captured at a time; -1 if no step
// did.
func (conn *connection) opened(at time.Duration) time.Duration {
	began := time.Duration(-1)
	for _, w := range conn.connects {
		if w.from <= at {
			began = w.from
		}
	}
	return began
}

func (conn *connection) add(it item) { conn.items = append(conn.items, it) }

// parseEnds reads the addresses of a sample or a step. It is false without two ends.
func parseEnds(local, remote string) (ends, bool) {
	l, err := netip.ParseAddrPort(local)
	if err != nil {
		return ends{}, false
	}
	r, err := netip.ParseAddrPort(remote)
	if err != nil || r.Port() == 0 {
		return ends{}, false
	}
	unmapped := func(a netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return ends{unmapped(l), unmapped(r)}, true
}
