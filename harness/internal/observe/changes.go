package observe

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
)

// identity is how a trace tells the sockets of a host apart.
type identity struct{ local, remote netip.AddrPort }

// changes finds what is worth an event between one dump of a host's sockets and the next.
//
// Several of the kernel's objects can share an identity at once: listeners with SO_REUSEPORT, or a socket in TIME_WAIT
// next to the request that reuses its ports. Each then has its own events; CLOSED is only written for the last of
// them, and when one goes the events of the one that remains are written again, so that the latest event of an identity
// is always true of some socket.
type changes struct {
	host  string
	known map[uint64]*known
	round uint64
	// alive counts the objects of each identity.
	alive map[identity]int
	gone  []*known
}

// known is what was last emitted of a socket.
type known struct {
	socket
	round uint64
}

func newChanges(host string) *changes {
	return &changes{host: host, known: map[uint64]*known{}, alive: map[identity]int{}}
}

func (s *socket) identity() identity { return identity{s.local, s.remote} }

// dump takes the sockets of one dump, begun at t, and emits the changes since the last.
func (c *changes) dump(t time.Duration, sockets []socket, emit func(trace.Event)) {
	c.round++
	changed := make([]bool, len(sockets))
	for i := range sockets {
		s := &sockets[i]
		k := c.known[s.cookie]
		if s.state == stateClose || s.local.Port() == 0 {
			// No socket of the table is closed, or without a port: the kernel found this one there, and described it a little
			// later. Unless it was bound to its port, that goes before its state does (tcp_set_state in net/ipv4/tcp.c); and
			// what takes its place, such as a remnant in FIN_WAIT2, may not be seen. The next dump tells.
			if k != nil {
				k.round = c.round
			}
			continue
		}
		switch {
		case k == nil:
			c.known[s.cookie] = &known{socket: *s, round: c.round}
			c.alive[s.identity()]++
			changed[i] = true
		case k.round == c.round:
			// The kernel's walk, done in pieces, can meet a socket twice. The second look would say nothing new at this T.
		default:
			k.round = c.round
			if s.differs(&k.socket) {
				k.socket = *s
				changed[i] = true
			}
		}
	}

	c.gone = c.gone[:0]
	for cookie, k := range c.known {
		if k.round != c.round {
			delete(c.known, cookie)
			c.gone = append(c.gone, k)
			if id := k.identity(); c.alive[id] > 1 {
				c.alive[id]--
			} else {
				delete(c.alive, id)
			}
		}
	}
	slices.SortFunc(c.gone, func(a, b *known) int { return cmp.Compare(a.cookie, b.cookie) })
	for i, k := range c.gone {
		id := k.identity()
		if slices.ContainsFunc(c.gone[:i], func(k *known) bool { return k.identity() == id }) {
			continue // told already
		}
		if c.alive[id] == 0 {
			emit(trace.Event{T: t, Socket: &trace.Socket{
				Host: c.host, Local: k.local.String(), Remote: k.remote.String(), State: "CLOSED",
			}})
			continue
		}
		for i := range sockets {
			if sockets[i].identity() == id {
				changed[i] = true
			}
		}
	}
	for i := range sockets {
		if changed[i] {
			emit(trace.Event{T: t, Socket: sockets[i].event(c.host)})
		}
	}
}

// differs reports whether a socket changed in a way worth an event. Fields that move all the time, such as the time
// left on a timer or the round-trip time, do not count.
func (s *socket) differs(last *socket) bool {
	return s.state != last.state || s.timer != last.timer || s.retrans != last.retrans ||
		s.recvQ != last.recvQ || s.sendQ != last.sendQ || s.inode != last.inode || s.identity() != last.identity() ||
		s.info.totalRetrans != last.info.totalRetrans || s.info.backoff != last.info.backoff
}

func (s *socket) event(host string) *trace.Socket {
	e := &trace.Socket{
		Host: host, Local: s.local.String(), Remote: s.remote.String(), State: s.stateName(),
		RecvQ: s.recvQ, SendQ: s.sendQ, Timer: s.timerName(), Retrans: int(s.retrans), Inode: s.inode,
		Info: s.info.fields(),
	}
	if s.timer != 0 {
		e.Expires = s.expires
	}
	return e
}
