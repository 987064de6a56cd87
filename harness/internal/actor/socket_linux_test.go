package actor

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

func TestConnectAndAccept(t *testing.T) {
	for _, tt := range []struct {
		family language.Family
		ip     string
	}{{language.V4, "127.0.0.1"}, {language.V6, "[::1]"}} {
		t.Run(string(tt.family), func(t *testing.T) {
			server := tt.ip + ":2001"
			p := start(t, Init{Family: tt.family, Topology: &network.Topology{Family: tt.family}, Steps: []language.Step{
				step("listen", listenOn(2001)), step("connect", connectTo(server)), step("accept", acceptOp()),
				step("close", closeOp()), on("sock", step("close2", closeOp())), step("close3", closeOp()),
			}})
			p.send(Command{Go: true})
			p.done()
			o := p.outcomes()
			for _, s := range o {
				if s.Errno != "" || s.Problem != "" || s.Result < 0 {
					t.Errorf("%s: %q, %q, %d", s.ID, s.Errno, s.Problem, s.Result)
				}
			}
			client := o["connect"].Local
			for _, c := range []struct{ what, got, want string }{
				{"the client's peer", o["connect"].Remote, server},
				{"the server's end", o["accept"].Local, server},
				{"the peer that accept returned", o["accept"].Peer, client},
				{"the accepted socket's peer", o["accept"].Remote, client},
				{"the listener's name", o["listen"].Socket, "listener"},
				{"the client's name", o["connect"].Socket, "sock"},
				{"the accepted socket's name", o["accept"].Socket, "conn"},
				{"the first socket closed", o["close"].Socket, "conn"},
				{"its peer, before it is closed", o["close"].Remote, client},
				{"the last socket closed", o["close3"].Socket, "listener"},
			} {
				if c.got != c.want || c.got == "" {
					t.Errorf("%s is %q, want %q", c.what, c.got, c.want)
				}
			}
		})
	}
}

func TestErrorsOfSockets(t *testing.T) {
	listener := step("l0", listenOn(2010))
	connected := []language.Step{listener, step("c0", connectTo("127.0.0.1:2010")), step("a0", acceptOp())}
	shutdown := func(how string) language.Op { return language.Op{Shutdown: &language.Shutdown{How: how}} }
	udp := step("u0", language.Op{Socket: &language.SocketOp{Type: "udp"}})
	dontwait := language.Op{Recv: &language.Recv{Flags: []string{"dontwait"}}}
	for _, tt := range []struct {
		name   string
		before []language.Step
		op     language.Op
		socket string
		want   string
	}{
		{"connecting to a closed port", nil, connectTo("127.0.0.1:2009"), "", "ECONNREFUSED"},
		{"connecting without waiting", []language.Step{listener}, language.Op{Connect: &language.Connect{To: "127.0.0.1:2010", Nonblock: true}}, "", "EINPROGRESS"},
		{"connecting twice", connected, connectTo("127.0.0.1:2010"), "sock", "EISCONN"},
		{"connecting an IPv4 socket over IPv6", []language.Step{step("s0", language.Op{Socket: &language.SocketOp{}})}, connectTo("[::1]:2010"), "", "EAFNOSUPPORT"},
		{"binding a port in use", []language.Step{listener}, language.Op{Bind: &language.Bind{Port: 2010}}, "", "EADDRINUSE"},
		{"listening on a port in use", []language.Step{listener}, listenOn(2010), "", "EADDRINUSE"},
		{"binding to a foreign address", nil, language.Op{Bind: &language.Bind{Address: "192.0.2.1"}}, "", "EADDRNOTAVAIL"},
		{"accepting on a connected socket", connected, acceptOp(), "conn", "EINVAL"},
		{"sending after SHUT_WR", append(connected, step("sh", shutdown("write"))), sendText("x"), "", "EPIPE"},
		{"sending on an unconnected socket", []language.Step{step("s0", language.Op{Socket: &language.SocketOp{}})}, sendText("x"), "", "EPIPE"},
		{"shutting down an unconnected socket", []language.Step{udp}, shutdown("both"), "", "ENOTCONN"},
		{"receiving nothing without waiting", connected, dontwait, "", "EAGAIN"},
		{"receiving after the timeout", append(connected, step("so", set("SO_RCVTIMEO", "30ms"))), recvOp(), "", "EAGAIN"},
		{"sending after the timeout", append(connected, step("so", set("SO_SNDTIMEO", "30ms"))), language.Op{Send: &language.Send{Data: language.Data{Bytes: 64 << 20}, All: true}}, "", "EAGAIN"},
		{"closing twice", append(connected, on("conn", step("cl", closeOp()))), closeOp(), "conn", "EBADF"},
		{"sending on a closed socket", append(connected, on("conn", step("cl", closeOp()))), sendText("x"), "conn", "EBADF"},
		{"sending after close, on no named socket", append(connected, on("conn", step("cl", closeOp())), on("sock", step("cl2", closeOp())), on("listener", step("cl3", closeOp()))), sendText("x"), "", "EBADF"},
		{"closing twice, no named socket", []language.Step{udp, step("cl", closeOp())}, closeOp(), "", "EBADF"},
		{"accepting on a closed listener", []language.Step{listener, step("cl", closeOp())}, acceptOp(), "", "EBADF"},
		{"a segment after close", append(connected, on("conn", step("cl", closeOp())), on("sock", step("cl2", closeOp())), on("listener", step("cl3", closeOp()))), segmentOp(language.Segment{}), "", "EBADF"},
		{"a datagram that is too long", []language.Step{udp}, language.Op{Sendto: &language.Sendto{To: "127.0.0.1:9", Data: language.Data{Bytes: 70000}}}, "", "EMSGSIZE"},
		{"a bad option value", connected, set("TCP_MAXSEG", "1"), "", "EINVAL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := outcomes(t, append(append([]language.Step(nil), tt.before...), on(tt.socket, step("it", tt.op)))...)
			for _, s := range tt.before {
				if b := o[s.ID]; b.Errno != "" || b.Problem != "" {
					t.Fatalf("%s before it: %q, %q", s.ID, b.Errno, b.Problem)
				}
			}
			it := o["it"]
			if it.Errno != tt.want || it.Result != -1 || it.Problem != "" {
				t.Errorf("errno %q, result %d, problem %q, want %s, -1 and no problem", it.Errno, it.Result, it.Problem, tt.want)
			}
		})
	}
}

func TestStepsThatCannotBeTried(t *testing.T) {
	for _, tt := range []struct {
		name   string
		op     language.Op
		socket string
	}{
		{"a shutdown of an unknown direction", language.Op{Shutdown: &language.Shutdown{How: "up"}}, ""},
		{"an unknown host", connectTo("nobody:80"), ""},
		{"binding to an address that the host does not have", language.Op{Bind: &language.Bind{Address: "h.2"}}, ""},
		{"data with invalid hex digits", language.Op{Send: &language.Send{Data: language.Data{Hex: "4g"}}}, ""},
		{"an unknown flag", language.Op{Recv: &language.Recv{Flags: []string{"fast"}}}, ""},
		{"no socket at all", sendText("x"), ""},
		{"a name never given", sendText("x"), "nobody"},
		{"accept without a listener", acceptOp(), ""},
		{"an invalid address", connectTo("nowhere"), ""},
		{"an unknown option", get("SO_NONSENSE"), ""},
		{"a program that does not exist", language.Op{Exec: &language.Exec{Launch: language.Launch{Command: []string{"/no/such/program", "x"}}}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := outcomes(t, on(tt.socket, step("it", tt.op)))["it"]
			if it.Problem == "" || it.Errno != "" || it.Result != -1 {
				t.Errorf("problem %q, errno %q, result %d, want a problem, no errno, -1", it.Problem, it.Errno, it.Result)
			}
		})
	}
}

func TestHostsHaveAddresses(t *testing.T) {
	lab := &network.Topology{Family: language.V4, Hosts: []network.Host{{
		Name: "h", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")},
	}}}
	p := start(t, Init{Topology: lab, Steps: []language.Step{
		step("listen", language.Op{Listen: &language.Listen{Address: "h.2", Port: 2050}}),
		step("refused", connectTo("h:2050")),
		step("bind", language.Op{Bind: &language.Bind{Address: "h.2", Port: 2051}}),
		step("connect", connectTo("h.2:2050")),
		step("accept", acceptOp()),
	}})
	p.send(Command{Go: true})
	p.done()
	o := p.outcomes()
	if got := o["listen"].Local; got != "127.0.0.2:2050" {
		t.Errorf("the listener is at %q, want 127.0.0.2:2050", got)
	}
	if got := o["refused"].Errno; got != "ECONNREFUSED" {
		t.Errorf("the host's other address answers %q, want ECONNREFUSED", got)
	}
	if got := o["accept"].Peer; got != "127.0.0.2:2051" {
		t.Errorf("accept returned the peer %q, want 127.0.0.2:2051", got)
	}
}

// TestDefaultSockets shows which sockets steps without a name make and take.
func TestDefaultSockets(t *testing.T) {
	socketOp := language.Op{Socket: &language.SocketOp{}}
	sendto := language.Op{Sendto: &language.Sendto{To: "127.0.0.1:2029"}}
	tcp := get("SO_TYPE")
	repeat := func(steps ...language.Step) language.Step {
		return step("repeat", language.Op{Repeat: &language.Repeat{Times: 2, Steps: steps}})
	}
	listener, connect := step("listen", listenOn(2020)), step("connect", connectTo("127.0.0.1:2020"))
	for _, tt := range []struct {
		name  string
		steps []language.Step
		want  map[string]string // step: socket
	}{
		{
			"connect takes the socket that was made for it",
			[]language.Step{listener, step("socket", socketOp), connect},
			map[string]string{"socket": "sock", "connect": "sock"},
		},
		{
			"connect makes one if all are used",
			[]language.Step{listener, connect, step("connect2", connectTo("127.0.0.1:2020"))},
			map[string]string{"connect": "sock", "connect2": "sock2"},
		},
		{
			"connect makes one each time",
			[]language.Step{listener, times(3, connect)},
			map[string]string{"connect": "sock", "connect[2]": "sock2", "connect[3]": "sock3"},
		},
		{
			"connect makes one each time under one name",
			[]language.Step{listener, repeat(on("c", connect), step("close", closeOp()))},
			map[string]string{"connect": "c", "connect[2]": "c", "close[2]": "c"},
		},
		{
			"connect takes a bound socket",
			[]language.Step{listener, step("bind", language.Op{Bind: &language.Bind{Port: 2021}}), connect},
			map[string]string{"bind": "sock", "connect": "sock"},
		},
		{
			"listen takes a bound socket",
			[]language.Step{step("bind", language.Op{Bind: &language.Bind{Port: 2020}}), step("listen", language.Op{Listen: &language.Listen{}}), connect},
			map[string]string{"bind": "sock", "listen": "sock", "connect": "sock2"},
		},
		{
			"listen makes one if the last is listening",
			[]language.Step{listener, step("listen2", listenOn(2022)), connect},
			map[string]string{"listen": "listener", "listen2": "listener2", "connect": "sock"},
		},
		{
			"accept takes the last listener",
			[]language.Step{step("listen2", listenOn(2022)), listener, times(2, connect), times(2, step("accept", acceptOp()))},
			map[string]string{"accept": "conn", "accept[2]": "conn2"},
		},
		{
			"names are kept from step to step",
			[]language.Step{listener, on("c", connect), step("accept", language.Op{Accept: &language.Accept{As: "d"}}), step("get", tcp), on("c", step("get2", tcp))},
			map[string]string{"connect": "c", "accept": "d", "get": "d", "get2": "c"},
		},
		{
			"a step takes a socket that is left open",
			[]language.Step{listener, connect, step("accept", acceptOp()), step("close", closeOp()), step("get", tcp), step("close2", closeOp()), step("get2", tcp)},
			map[string]string{"close": "conn", "get": "sock", "close2": "sock", "get2": "listener"},
		},
		{
			"sendto makes a datagram socket once",
			[]language.Step{listener, connect, times(2, step("sendto", sendto))},
			map[string]string{"sendto": "sock2", "sendto[2]": "sock2"},
		},
		{
			"sendto replaces a closed socket",
			[]language.Step{repeat(on("u", step("sendto", sendto)), step("close", closeOp()))},
			map[string]string{"sendto": "u", "sendto[2]": "u", "close[2]": "u"},
		},
		{
			"branches take their own sockets",
			[]language.Step{listener, step("p", language.Op{Parallel: &language.Parallel{Branches: [][]language.Step{
				{on("x", step("c1", connectTo("127.0.0.1:2020"))), step("s1", signal("x")), step("w1", waitFor("a.signal.y")), step("g1", tcp)},
				{step("w2", waitFor("a.signal.x")), on("y", step("c2", connectTo("127.0.0.1:2020"))), step("s2", signal("y")), step("w3", waitFor("a.g1")), step("g2", tcp)},
			}}})},
			map[string]string{"g1": "x", "g2": "y"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := outcomes(t, tt.steps...)
			got := make(map[string]string)
			for id := range tt.want {
				s := o[id]
				if s == nil {
					t.Fatalf("no outcome of %s", id)
				}
				got[id] = s.Socket
				// A later step reports the error that a datagram to a port nobody has causes.
				if (s.Errno != "" || s.Problem != "") && s.Op != "sendto" {
					t.Errorf("%s: %q, %q", id, s.Errno, s.Problem)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("sockets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConnectTimesOut(t *testing.T) {
	const timeout = 100 * time.Millisecond
	none := 0
	p := run(t,
		step("listen", language.Op{Listen: &language.Listen{Port: 2030, Backlog: &none}}),
		step("fill", connectTo("127.0.0.1:2030")), // the one connection that a backlog of 0 takes
		step("socket", language.Op{Socket: &language.SocketOp{}}),
		step("option", set("SO_SNDTIMEO", fmt.Sprint(timeout))),
		step("connect", connectTo("127.0.0.1:2030")),
	)
	e := p.event("connect")
	if e.Step.Errno != "EINPROGRESS" || took(e) < timeout || took(e) > patience/2 {
		t.Errorf("connect ended with %q after %v, want EINPROGRESS after %v", e.Step.Errno, took(e), timeout)
	}
}

func TestNonblockingConnect(t *testing.T) {
	poll := func(timeout time.Duration, events ...string) language.Op {
		d := language.Duration(timeout)
		return language.Op{Poll: &language.Poll{For: events, Timeout: &d}}
	}
	connect := func(port int) language.Op {
		return language.Op{Connect: &language.Connect{To: fmt.Sprintf("127.0.0.1:%d", port), Nonblock: true}}
	}
	for _, tt := range []struct {
		name        string
		port        int
		result      int64
		polled, err string
	}{
		{"that succeeds", 2040, 1, "out", "0"},
		{"that is refused", 2041, 1, "out,err,hup", "ECONNREFUSED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := outcomes(t, step("listen", listenOn(2040)), step("connect", connect(tt.port)),
				step("poll", poll(patience/2, "out")), step("error", get("SO_ERROR")), step("again", get("SO_ERROR")))
			got := []trace.Step{*o["connect"], *o["poll"], *o["error"], *o["again"]}
			if got[0].Errno != "EINPROGRESS" || got[1].Result != tt.result || got[1].Value != tt.polled || got[2].Value != tt.err || got[3].Value != "0" {
				t.Errorf("connect %q, poll %d %q, SO_ERROR %q, then %q, want EINPROGRESS, %d %q, %q, \"0\"",
					got[0].Errno, got[1].Result, got[1].Value, got[2].Value, got[3].Value, tt.result, tt.polled, tt.err)
			}
		})
	}
	t.Run("polled in vain", func(t *testing.T) {
		o := outcomes(t, step("listen", listenOn(2042)), step("connect", connectTo("127.0.0.1:2042")), step("poll", poll(20*time.Millisecond)))
		if s := o["poll"]; s.Errno != "" || s.Result != 0 || s.Value != "" {
			t.Errorf("poll ended with %q, %d, %q, want 0 and no event", s.Errno, s.Result, s.Value)
		}
	})
}
