package nameserver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

// serve starts a server on the loopback device and returns a resolver that asks it.
func serve(t *testing.T) (*Server, *net.Resolver) {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Skip("the port is taken for TCP: ", err)
	}
	s := Serve(zone(), []net.PacketConn{udp}, []net.Listener{tcp})
	t.Cleanup(func() {
		select {
		case <-s.over: // the test has closed it
		default:
			_ = s.Close()
		}
	})
	return s, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, udp.LocalAddr().String())
	}}
}

// The resolver of Go, which is not of this project, understands the answers: of datagrams, of a stream
// where they are too long for one, and those that there are none.
func TestAResolverUnderstandsTheAnswers(t *testing.T) {
	_, r := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := r.LookupNetIP(ctx, "ip4", "www.example.test.")
	if want := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("www.example.test is %v, %v; want %v", got, err, want)
	}
	got, err = r.LookupNetIP(ctx, "ip4", "many.test.")
	if err != nil || len(got) != 100 {
		t.Errorf("many.test has %d addresses, %v; want 100", len(got), err)
	}
	for _, name := range []string{"empty.test.", "unknown.test."} {
		_, err := r.LookupNetIP(ctx, "ip", name)
		var failed *net.DNSError
		if !errors.As(err, &failed) || !failed.IsNotFound {
			t.Errorf("%s: %v, want that it is not found", name, err)
		}
	}
}

// Close ends connections that are open, and nothing is answered after it.
func TestClose(t *testing.T) {
	s, r := serve(t)
	c, err := r.Dial(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := r.LookupNetIP(t.Context(), "ip4", "many.test."); err != nil {
		t.Fatal(err) // after it, the server has accepted the connection
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
		t.Errorf("an open connection reads %d bytes, %v; want its end", n, err)
	}
	if _, err := (&net.Dialer{}).Dial("tcp", c.RemoteAddr().String()); err == nil {
		t.Error("the port still takes connections")
	}
}
