package proof

import (
	"net/netip"
	"slices"
	"time"
)

// host is the evidence of one host.
type host struct {
	*collection
	name  string
	addrs map[netip.Addr]bool
	// exact is true if each transition of its sockets is in the trace.
	exact bool
	// output, input, forges and crafts are as in [Scene].
	output, input, forges, crafts bool
	// defers is true if its listeners may have let a connection wait in SYN_RECV although the ACK
	// had come: the accept queue was full, or the socket option TCP_DEFER_ACCEPT is set.
	defers bool
	// cookies is true if it sent SYN cookies. overflow is how often it had no room for a TIME_WAIT.
	cookies  bool
	overflow int64
	before   map[string]int64

	// looks are the times at which its sockets were looked at, as far as one had changed or an
	// event asked for it, in order.
	looks []time.Duration
	// crafted are the packets that actors sent by raw sockets.
	crafted map[ends][]*crafted
	// resets are the times at which each socket sent a RST.
	resets map[uint64][]time.Duration
	// floods are those at which it sent SYNs from many ports.
	floods []window
	// programs is when the first program ran there, which may make sockets of its own; -1 if none.
	programs time.Duration

	connections map[ends]*connection
	// listening are the records of listeners by port, 0 if it is not known; made by listeners.
	listening map[uint16][]*record
	// latest is the connection that was asked for last.
	latest *connection
	// cookieEnds are the last ends of each socket that samples, transitions and steps show.
	cookieEnds map[uint64]ends
	order      []*connection
	records    map[identity]*record
	known      []*record
}

// window is a time, both ends included.
type window struct{ from, to time.Duration }

func (w window) has(at time.Duration) bool { return w.from-slack <= at && at <= w.to+slack }

// identity tells the kernel's sockets apart: by cookie, or by addresses in traces without cookies.
type identity struct {
	cookie        uint64
	local, remote string
}

// record is what was seen of one of the kernel's sockets by its identity.
type record struct {
	identity
	transitions []int
	samples     []int
	// listens are successful listen steps, closes the steps that closed the listener.
	listens, closes []int
}

// lookAfter returns the time of the first look that began after a time, or the end of the run.
func (h *host) lookAfter(at time.Duration) time.Duration {
	i, _ := slices.BinarySearch(h.looks, at)
	if i < len(h.looks) {
		return min(h.looks[i], h.ended)
	}
	return h.ended
}

// record returns the record of an identity. Cookies are unique; addresses count only without one.
func (h *host) record(id identity) *record {
	key := id
	if id.cookie != 0 {
		key = identity{cookie: id.cookie}
	}
	r := h.records[key]
	if r == nil {
		r = &record{identity: id}
		h.records[key] = r
		h.known = append(h.known, r)
	}
	if r.local == "" {
		r.local, r.remote = id.local, id.remote
	}
	return r
}

func (h *host) connection(at ends) *connection {
	if h.latest != nil && h.latest.ends == at {
		return h.latest // a transfer has a million packets in a row
	}
	conn := h.connections[at]
	if conn == nil {
		conn = &connection{
			ends: at, host: h, localText: at.local.String(), remoteText: at.remote.String(),
		}
		h.connections[at] = conn
		h.order = append(h.order, conn)
	}
	h.latest = conn
	return conn
}
