package actor

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
)

// socket is a socket that an actor has made.
type socket struct {
	fd     int
	name   string
	udp    bool
	domain int // AF_INET or AF_INET6
	// step is the ID of the step that made it, thread the thread that ran the step.
	step   string
	thread *thread

	// accepted is true for a socket that accept made.
	accepted bool

	// The state of the socket, guarded by the lock of the table. used is set by a connect, whatever
	// its outcome.
	bound, listening, used, closed bool

	// local and remote are its last known addresses, guarded by the lock of the table. The kernel
	// forgets them when the connection ends.
	local, remote netip.AddrPort
}

// sockets holds the sockets of an actor in the order in which they were made.
//
// A step that names no socket takes the last suitable socket that its own thread made. If there is
// none, it takes one from the thread that runs the enclosing parallel step, and so on outwards. So
// branches do not take each other's sockets.
type sockets struct {
	mu    sync.Mutex
	all   []*socket
	made  map[string]int // how many sockets were named by default, by base name
	names map[string]*socket
	// gone has, by thread, the last socket that was closed, and the last listener.
	gone map[*thread]*[2]*socket
}

// add names a socket and stores it. If the name is empty, it is the base name, with a number from
// the second such socket on.
func (t *sockets) add(s *socket, name, base string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.made, t.names = make(map[string]int), make(map[string]*socket)
	}
	if name == "" {
		t.made[base]++
		name = base
		if n := t.made[base]; n > 1 {
			name += strconv.Itoa(n)
		}
	}
	s.name = name
	t.names[name] = s
	t.all = append(t.all, s)
}

// named returns the last socket made with that name, open or closed; nil if there was none.
func (t *sockets) named(name string) *socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names[name]
}

// last returns the last open socket that fits, as seen from a thread; nil if there is none.
func (t *sockets) last(from *thread, fits func(*socket) bool) *socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ; from != nil; from = from.parent {
		for i := len(t.all) - 1; i >= 0; i-- {
			if s := t.all[i]; !s.closed && s.thread == from && fits(s) {
				return s
			}
		}
	}
	return nil
}

// lastGone returns a closed socket that fits, as seen from a thread; nil if there is none.
func (t *sockets) lastGone(from *thread, fits func(*socket) bool) *socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ; from != nil; from = from.parent {
		if gone := t.gone[from]; gone != nil {
			for _, s := range gone {
				if s != nil && fits(s) {
					return s
				}
			}
		}
	}
	return nil
}

// mark changes the state of a socket under the lock of the table.
func (t *sockets) mark(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
}

// is checks a condition on a socket under the lock of the table.
func (t *sockets) is(s *socket, what func(*socket) bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return what(s)
}

// close marks a socket as closed and forgets it, except for its name. It is false if the socket was
// closed before.
func (t *sockets) close(s *socket) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	if t.gone == nil {
		t.gone = make(map[*thread]*[2]*socket)
	}
	if t.gone[s.thread] == nil {
		t.gone[s.thread] = new([2]*socket)
	}
	kind := 0
	if s.listening {
		kind = 1
	}
	t.gone[s.thread][kind] = s
	for i := range t.all {
		if t.all[i] == s {
			t.all = append(t.all[:i], t.all[i+1:]...)
			break
		}
	}
	return true
}

// Conditions on a socket. Steps that name no socket choose one by them.

func listening(s *socket) bool { return s.listening }

func talking(s *socket) bool { return !s.listening }

func bound(s *socket) bool { return s.bound }

func closed(s *socket) bool { return s.closed }

func datagram(s *socket) bool { return s.udp }

// fresh reports whether bind takes a socket.
func fresh(s *socket) bool { return !s.bound && !s.used && !s.listening }

// idle reports whether connect takes a socket: one that a socket or bind step made.
func idle(s *socket) bool { return !s.used && !s.listening }

// ready reports whether listen takes a socket.
func ready(s *socket) bool { return !s.udp && idle(s) }

var errNoSocket = errors.New("no open socket for this step")

// existing returns the socket for a step that never creates one: the named one, open or closed.
// Without a name it is the last open socket that meets the first condition, or else the second, and
// so on. If all that would do are closed, it is one of those: the step then fails with EBADF, as in
// a program that goes on using its descriptor.
func (t *thread) existing(name string, fits ...func(*socket) bool) (*socket, error) {
	if name != "" {
		if s := t.sockets.named(name); s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("no socket is named %q", name)
	}
	for _, f := range fits {
		if s := t.sockets.last(t, f); s != nil {
			return s, nil
		}
	}
	for _, f := range fits {
		if s := t.sockets.lastGone(t, f); s != nil {
			return s, nil
		}
	}
	return nil, errNoSocket
}

// candidate returns the existing socket for a step that would otherwise create one. A named socket
// is reused unless it is closed or this same step created it, so a repeated step gets a new one.
// Without a name, the last suitable socket is used that this step did not create.
func (t *thread) candidate(name, step string, fits func(*socket) bool) *socket {
	if name == "" {
		return t.sockets.last(t, func(s *socket) bool { return s.step != step && fits(s) })
	}
	s := t.sockets.named(name)
	if s == nil || s.step == step || t.sockets.is(s, closed) {
		return nil
	}
	return s
}
