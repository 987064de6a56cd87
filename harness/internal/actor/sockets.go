package actor

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// socket is a socket an actor has made.
type socket struct {
	fd     int
	name   string
	udp    bool
	domain int // AF_INET or AF_INET6
	// step is the ID of the step that made it, thread the thread that did.
	step   string
	thread *thread

	// accepted is true for a socket that accept made.
	accepted bool

	// What has been done with it; guarded by the lock of the table. used is a connect, whatever its outcome.
	bound, listening, used, closed bool
}

// sockets are all sockets of an actor, in the order they were made.
//
// A step without a socket's name takes the last one made that fits it: of those its own thread made, else of those made by
// the thread whose parallel step it belongs to, and so on, so that branches do not take each other's.
type sockets struct {
	mu    sync.Mutex
	all   []*socket
	made  map[string]int // sockets named by default, by base name
	names map[string]*socket
}

// add names a socket and remembers it: by the given name or, where that is empty, the base name with a number.
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

// named returns the last socket of that name, closed or not; nil if there never was one.
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

// mark changes what is known of a socket.
func (t *sockets) mark(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
}

// is reports whether something holds of a socket.
func (t *sockets) is(s *socket, what func(*socket) bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return what(s)
}

// close marks a socket as closed and forgets it, but for its name; false if it was closed before.
func (t *sockets) close(s *socket) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	for i := range t.all {
		if t.all[i] == s {
			t.all = append(t.all[:i], t.all[i+1:]...)
			break
		}
	}
	return true
}

// What may hold of a socket; steps without a socket's name go by it.

func listening(s *socket) bool { return s.listening }

func talking(s *socket) bool { return !s.listening }

func bound(s *socket) bool { return s.bound }

func closed(s *socket) bool { return s.closed }

func datagram(s *socket) bool { return s.udp }

// fresh is a socket that bind takes.
func fresh(s *socket) bool { return !s.bound && !s.used && !s.listening }

// idle is a socket that connect takes: made by a socket or bind step.
func idle(s *socket) bool { return !s.used && !s.listening }

// ready is a socket that listen takes.
func ready(s *socket) bool { return !s.udp && idle(s) }

var errNoSocket = errors.New("there is no open socket to do it on")

// existing returns the socket that a step works on which makes none.
func (t *thread) existing(name string, fits ...func(*socket) bool) (*socket, error) {
	if name != "" {
		if s := t.sockets.named(name); s != nil {
			return s, nil
		}
		return nil, fmt.Errorf("no socket was made with the name %q", name)
	}
	for _, f := range fits {
		if s := t.sockets.last(t, f); s != nil {
			return s, nil
		}
	}
	return nil, errNoSocket
}

// candidate returns the socket that a step works on which makes one where there is none: the named one, unless it is
// closed or this very step made it, so that each time it is done it makes one anew; without a name, one that fits.
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
