package nameserver

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// plainSize is how long an answer over UDP may be without EDNS(0), in bytes (RFC 1035, section 4.2.1).
const plainSize = 512

// idle is how long a TCP connection may be silent. It is longer than the time-outs of resolvers.
const idle = 30 * time.Second

// mostConns bounds the connections at one time: each has a file of the process.
const mostConns = 100

// Server answers queries on sockets. Make it with [Serve].
type Server struct {
	zone    Zone
	sockets []io.Closer
	running sync.WaitGroup
	over    chan struct{} // closed by Close

	mu     sync.Mutex
	conns  map[net.Conn]bool // guarded by mu
	closed bool              // guarded by mu
}

// Serve answers queries for a zone, which must not change any more, on UDP sockets and TCP listeners.
// It owns the sockets: [Server.Close] closes them.
func Serve(zone Zone, udp []net.PacketConn, tcp []net.Listener) *Server {
	s := &Server{zone: zone, over: make(chan struct{}), conns: map[net.Conn]bool{}}
	for _, c := range udp {
		s.sockets = append(s.sockets, c)
		s.running.Go(func() { s.datagrams(c) })
	}
	for _, l := range tcp {
		s.sockets = append(s.sockets, l)
		s.running.Go(func() { s.accept(l) })
	}
	return s
}

// Close closes the sockets and waits until nothing is answered any more. Call it once.
func (s *Server) Close() error {
	close(s.over)
	var errs []error
	for _, c := range s.sockets {
		errs = append(errs, c.Close())
	}
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close() // its reader ends
	}
	s.mu.Unlock()
	s.running.Wait()
	return errors.Join(errs...)
}

// datagrams answers until the socket is closed.
func (s *Server) datagrams(c net.PacketConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.rest()
			continue
		}
		if answer := s.zone.Answer(buf[:n], plainSize); answer != nil {
			_, _ = c.WriteTo(answer, from) // the client asks again
		}
	}
}

// rest waits a little after an error, which may last.
func (s *Server) rest() {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-s.over:
	}
}

func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // the client has reset the connection, or the process has no file left
			s.rest()
			continue
		}
		s.mu.Lock()
		if s.closed || len(s.conns) >= mostConns {
			c.Close()
		} else {
			s.conns[c] = true
			s.running.Go(func() { s.stream(c) })
		}
		s.mu.Unlock()
	}
}

// stream answers the queries of a connection, each after its length in two bytes (RFC 1035, section
// 4.2.2).
func (s *Server) stream(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	for {
		_ = c.SetDeadline(time.Now().Add(idle)) // a TCP socket takes it
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		answer := s.zone.Answer(query, 0)
		if answer == nil || len(answer) > 0xffff {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}
