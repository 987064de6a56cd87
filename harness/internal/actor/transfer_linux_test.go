package actor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// pattern returns what a step with bytes sends, from an implementation independent of it.
func pattern(n int) []byte {
	b := make([]byte, n)
	next := byte(0)
	for i := range b {
		b[i] = next
		if next++; next == 251 {
			next = 0
		}
	}
	return b
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// conversation starts an actor that connects to itself and runs steps. It returns their outcomes.
func conversation(t *testing.T, port int, steps ...language.Step) map[string]*trace.Step {
	t.Helper()
	p := start(t, Init{Steps: append([]language.Step{
		on("l", step("listen", listenOn(port))),
		on("c", step("connect", connectTo(fmt.Sprintf("127.0.0.1:%d", port)))),
		step("accept", language.Op{Accept: &language.Accept{As: "s"}}),
	}, steps...)})
	p.send(Command{Go: true})
	p.done()
	return p.outcomes()
}

func TestSendAndRecv(t *testing.T) {
	send := func(s language.Send) language.Step { return on("c", step("send", language.Op{Send: &s})) }
	recv := func(r language.Recv) language.Step { return on("s", step("recv", language.Op{Recv: &r})) }
	big := language.Data{Bytes: 100000}
	shut := on("c", step("shutdown", language.Op{Shutdown: &language.Shutdown{How: "write"}}))
	for i, tt := range []struct {
		name   string
		steps  []language.Step
		want   []byte // received
		result int64  // of the last recv(2)
	}{
		{"text", []language.Step{send(language.Send{Data: language.Data{Text: "hello"}}), recv(language.Recv{})}, []byte("hello"), 5},
		{"hex with blanks", []language.Step{send(language.Send{Data: language.Data{Hex: "40 e2 01 00"}}), recv(language.Recv{Bytes: 4})}, []byte{0x40, 0xe2, 1, 0}, 4},
		{"no more than max", []language.Step{send(language.Send{Data: language.Data{Text: "hello"}}), recv(language.Recv{Max: 2})}, []byte("he"), 2},
		{"a number of bytes in pieces", []language.Step{send(language.Send{Data: big, All: true}), recv(language.Recv{Bytes: 5000, Max: 3000})}, pattern(5000), 2000},
		{"to the end", []language.Step{send(language.Send{Data: big}), shut, recv(language.Recv{Until: "eof"})}, pattern(100000), 0},
		{"fewer bytes than wanted", []language.Step{send(language.Send{Data: language.Data{Text: "hello"}}), shut, recv(language.Recv{Bytes: 9})}, []byte("hello"), 0},
		{"peeking takes nothing", []language.Step{
			send(language.Send{Data: language.Data{Text: "hello"}}),
			on("s", step("peek", language.Op{Recv: &language.Recv{Flags: []string{"peek"}, Bytes: 9}})), recv(language.Recv{}),
		}, []byte("hello"), 5},
		{"urgent data", []language.Step{send(language.Send{Data: language.Data{Text: "!"}, Flags: []string{"oob"}}), recv(language.Recv{Flags: []string{"oob"}})}, []byte("!"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := conversation(t, 3000+i, tt.steps...)
			got := o["recv"]
			if got.Errno != "" || got.Problem != "" {
				t.Fatalf("recv: %q, %q", got.Errno, got.Problem)
			}
			if got.Bytes != int64(len(tt.want)) || got.SHA256 != digestOf(tt.want) || got.Result != tt.result {
				t.Errorf("received %d bytes with digest %s, result %d, want %d, %s, %d", got.Bytes, got.SHA256, got.Result, len(tt.want), digestOf(tt.want), tt.result)
			}
			if want := tt.want[:min(len(tt.want), 4096)]; string(got.Data) != string(want) {
				t.Errorf("the data begin with %q, want %q", got.Data, want)
			}
		})
	}
}

func TestBytesMovedBeforeAnError(t *testing.T) {
	o := conversation(t, 3020,
		on("c", step("buffer", set("SO_SNDTIMEO", "20ms"))),
		on("c", step("send", language.Op{Send: &language.Send{Data: language.Data{Bytes: 64 << 20}, All: true}})),
		on("c", step("unsent", get("SIOCOUTQ"))),
		on("s", step("recv", language.Op{Recv: &language.Recv{Bytes: 1000}})),
	)
	send := o["send"]
	if send.Errno != "EAGAIN" || send.Result != -1 || send.Bytes == 0 || send.Bytes >= 64<<20 {
		t.Errorf("send ended with %q, %d after %d bytes, want EAGAIN, -1 after some", send.Errno, send.Result, send.Bytes)
	}
	if got := o["unsent"].Value; got == "0" || got == "" {
		t.Errorf("SIOCOUTQ is %q, want some bytes", got)
	}
	if got := o["recv"].SHA256; got != digestOf(pattern(1000)) {
		t.Errorf("the first 1000 bytes have digest %s, want that of the pattern", got)
	}
}

func TestResetByUnreadData(t *testing.T) {
	o := conversation(t, 3021,
		on("c", step("send", sendText("unread"))),
		on("s", step("poll", language.Op{Poll: &language.Poll{}})),
		on("s", step("close", closeOp())),
		on("c", step("recv", recvOp())),
		on("c", step("send2", sendText("x"))),
	)
	if o["recv"].Errno != "ECONNRESET" || o["send2"].Errno != "EPIPE" {
		t.Errorf("recv %q, send %q, want ECONNRESET, EPIPE", o["recv"].Errno, o["send2"].Errno)
	}
}

func TestDatagrams(t *testing.T) {
	bind := func(port int) language.Op { return language.Op{Bind: &language.Bind{Port: port}} }
	udp := func(name string) language.Op {
		return language.Op{Socket: &language.SocketOp{Type: "udp", As: name}}
	}
	recvfrom := language.Op{Recvfrom: &language.Recvfrom{}}
	o := outcomes(t,
		step("server", udp("s")), on("s", step("bind", bind(3030))),
		step("client", udp("c")), on("c", step("bind2", bind(3031))),
		on("c", step("sendto", language.Op{Sendto: &language.Sendto{To: "127.0.0.1:3030", Data: language.Data{Text: "ping"}}})),
		on("s", step("recvfrom", recvfrom)),
		on("c", step("empty", language.Op{Sendto: &language.Sendto{To: "127.0.0.1:3030"}})),
		on("s", step("recvfrom2", recvfrom)),
		on("s", step("recvfrom3", language.Op{Recvfrom: &language.Recvfrom{Flags: []string{"dontwait"}}})),
		on("c", step("connect", connectTo("127.0.0.1:3032"))),
		on("c", step("send", sendText("x"))),
		on("c", step("recv", recvOp())),
	)
	if s := o["sendto"]; s.Result != 4 || s.Bytes != 4 || s.Errno != "" {
		t.Errorf("sendto: %d, %d bytes, %q, want 4, 4", s.Result, s.Bytes, s.Errno)
	}
	if s := o["recvfrom"]; string(s.Data) != "ping" || s.Peer != "127.0.0.1:3031" {
		t.Errorf("recvfrom: %q from %q, want ping from 127.0.0.1:3031", s.Data, s.Peer)
	}
	if s := o["recvfrom2"]; s.Errno != "" || s.Result != 0 || s.Peer != "127.0.0.1:3031" {
		t.Errorf("receiving the empty datagram: %q, %d from %q, want 0 from 127.0.0.1:3031", s.Errno, s.Result, s.Peer)
	}
	if s := o["recvfrom3"]; s.Errno != "EAGAIN" {
		t.Errorf("receiving a third datagram: %q, want EAGAIN", s.Errno)
	}
	if s := o["recv"]; s.Errno != "ECONNREFUSED" {
		t.Errorf("recv on a socket connected to a closed port: %q, want ECONNREFUSED", s.Errno)
	}
}
