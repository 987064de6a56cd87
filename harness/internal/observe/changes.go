package observe

import (
	"cmp"
	"slices"
	"time"

	"halfopen/harness/trace"
)

// changes compares each dump of a host's sockets with the one before and emits the changes that
// deserve an event.
//
// A socket is the kernel's object, known by its cookie, not by its addresses: two listeners with
// SO_REUSEPORT share these, and so do a socket in TIME_WAIT and the request that reuses its ports.
// Each has its own events and its own CLOSED.
type changes struct {
	host  string
	known map[uint64]*known
	round uint64
	gone  []*known
	// last is when the last dump began.
	last time.Duration
}

// known is the state of a socket that was emitted last.
type known struct {
	socket
	round uint64
}

func newChanges(host string) *changes {
	return &changes{host: host, known: map[uint64]*known{}}
}

// dump takes the sockets of a dump that began at t and took some time, and emits the changes since
// the previous dump.
func (c *changes) dump(t, took time.Duration, sockets []socket, emit func(trace.Event)) {
	last := c.last
	c.last = t
	c.round++
	changed := make([]bool, len(sockets))
	for i := range sockets {
		s := &sockets[i]
		k := c.known[s.cookie]
		if s.state == stateClose || s.local.Port() == 0 {
			// A socket in the kernel's table is neither closed nor without a port. The kernel found
			// this one in the table but described it a little later, when it was on its way out:
			// its port is cleared before its state changes, unless it was bound to the port
			// (tcp_set_state in net/ipv4/tcp.c). Its successor, such as a remnant in FIN_WAIT2, may
			// be missing from this dump. The next dump shows what became of it.
			if k != nil {
				k.round = c.round
			}
			continue
		}
		switch {
		case k == nil:
			c.known[s.cookie] = &known{socket: *s, round: c.round}
			changed[i] = true
		case k.round == c.round:
			// The kernel walks its table in pieces and can meet a socket twice. The second
			// description adds nothing at this T.
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
		}
	}
	slices.SortFunc(c.gone, func(a, b *known) int { return cmp.Compare(a.cookie, b.cookie) })
	for _, k := range c.gone {
		emit(trace.Event{T: t, Socket: &trace.Socket{
			Host: c.host, Cookie: k.cookie, Local: k.local.String(), Remote: k.remote.String(),
			State: "CLOSED", Took: took, Last: last,
		}})
	}
	for i := range sockets {
		if changed[i] {
			e := sockets[i].event(c.host)
			e.Took, e.Last = took, last
			emit(trace.Event{T: t, Socket: e})
		}
	}
}

// differs reports whether a socket changed in a way that deserves an event. Fields that change all
// the time, such as the time left on a timer or the round-trip time, do not count.
func (s *socket) differs(last *socket) bool {
	return s.state != last.state || s.timer != last.timer || s.retrans != last.retrans ||
		s.recvQ != last.recvQ || s.sendQ != last.sendQ || s.inode != last.inode ||
		s.local != last.local || s.remote != last.remote ||
		s.info.totalRetrans != last.info.totalRetrans || s.info.backoff != last.info.backoff
}

func (s *socket) event(host string) *trace.Socket {
	e := &trace.Socket{
		Host: host, Cookie: s.cookie, Local: s.local.String(), Remote: s.remote.String(),
		State: s.stateName(),
		RecvQ: s.recvQ, SendQ: s.sendQ, Timer: s.timerName(), Retrans: int(s.retrans), Inode: s.inode,
		Info: s.info.fields(),
	}
	if s.timer != 0 {
		e.Expires = s.expires
	}
	return e
}
