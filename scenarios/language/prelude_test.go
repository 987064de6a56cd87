package language

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClientsThatMayComeTooEarlyAreNoted(t *testing.T) {
	for name, c := range map[string]struct{ server, client, want string }{
		"a getsockopt before listen": {
			"[socket, {getsockopt: SO_RCVBUF}, {bind: 80}, listen]", `[{connect: "server:80"}]`,
			"client.connect may come before server.listen: getsockopt",
		},
		"a program before listen": {
			`[{exec: "true"}, {listen: 80}]`, `[{setsockopt: {TCP_NODELAY: 1}}, {connect: "server:80"}]`,
			"client.connect may come before server.listen: exec",
		},
		"a program before bind, for datagrams": {
			`[{exec: "true"}, {socket: udp}, {bind: 53}, recvfrom]`, `[{sendto: {to: "server:53", text: x}}]`,
			"client.sendto may come before server.bind: exec",
		},
		"an address of the server by its number": {
			`[{exec: "true"}, {listen: 80}]`, `[{connect: "server.1:80"}]`,
			"client.connect may come before server.listen: exec",
		},
		"only steps that are done first": {
			"[socket, {bind: 80}, listen, {getsockopt: SO_RCVBUF}]", `[{connect: "server:80"}]`, "",
		},
		"an address that nobody has":  {`[{exec: "true"}, {listen: 80}]`, `[{connect: "server.absent:80"}]`, ""},
		"another port":                {`[{exec: "true"}, {listen: 81}]`, `[{connect: "server:80"}]`, ""},
		"another host":                {`[{exec: "true"}, {listen: 80}]`, `[{connect: "client:80"}]`, ""},
		"a client that waits":         {`[{exec: "true"}, {listen: 80}]`, `[{connect: "server:80", after: server.listen}]`, ""},
		"a client that waited before": {`[{exec: "true"}, {listen: 80}]`, `[{wait: server.listen}, {connect: "server:80"}]`, ""},
		"a client that sleeps":        {`[{exec: "true"}, {listen: 80}]`, `[{sleep: 1s}, {connect: "server:80"}]`, ""},
		"a server that is late on purpose": {
			`[{sleep: 1s}, {listen: 80}]`, `[{connect: "server:80"}]`, "",
		},
		"a second listener": {
			`[{listen: 80}, {exec: "true"}, {listen: 80, id: again}]`, `[{connect: "server:80"}]`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustExpand(t, skeleton+someExpectation+"actors:\n  server: "+c.server+"\n  client: "+
				strings.Replace(c.client, "[{setsockopt", "[socket, {setsockopt", 1)+"\n", nil)[0]
			got := ""
			for _, n := range s.Notes() {
				got += n.Msg
			}
			got, _, _ = strings.Cut(got, " is not one of")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestStepsThatAreDoneBeforeActorsStart(t *testing.T) {
	for name, c := range map[string]struct {
		steps string
		want  int
	}{
		"a server for connections":     {"[socket, {bind: 80}, listen, accept]", 3},
		"a server for datagrams":       {"[{socket: udp}, {bind: 53}, recvfrom]", 2},
		"a listen in short":            {"[{listen: 80}, accept]", 1},
		"options after bind":           {"[socket, {bind: 80}, {setsockopt: {SO_RCVBUF: 4096}}, listen, accept]", 4},
		"a socket that nobody reaches": {`[socket, {setsockopt: {TCP_NODELAY: 1}}, {connect: "server:80"}]`, 0},
		"another step before":          {"[socket, {getsockopt: SO_RCVBUF}, {bind: 80}, listen]", 0},
		"a bind that waits":            {"[socket, {bind: 80, after: client.connect}, {listen: 80, socket: b}]", 0},
		"a bind before what waits":     {"[socket, {bind: 80}, {listen: {}, after: client.connect}]", 2},
		"a client that binds":          {`[socket, {bind: 4000}, {connect: "server:80"}]`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustExpand(t, skeleton+someExpectation+"actors:\n  server: "+c.steps+
				"\n  client: [{connect: \"server:80\"}]\n", nil)[0]
			if got := Prelude(s.Actor("server").Steps); got != c.want {
				t.Errorf("%d steps, want %d", got, c.want)
			}
		})
	}
}

func TestDatagramsNeedASocketForThem(t *testing.T) {
	for steps, refused := range map[string]string{
		`[{bind: 53}, recvfrom]`:                                                    "recvfrom",
		`[{listen: 53}, recvfrom]`:                                                  "recvfrom",
		`[{bind: 53}, {sendto: {to: "server:7", text: x}}]`:                         "sendto",
		`[socket, {bind: 53}, {sendto: {to: "server:7", text: x}}]`:                 "sendto",
		`[{socket: udp}, {bind: 53}, recvfrom]`:                                     "",
		`[{socket: udp}, {bind: 53}, {sendto: {to: "server:7", text: x}}]`:          "",
		`[socket, {bind: 53}, recvfrom]`:                                            "", // asked for
		`[{sendto: {to: "server:7", text: x}}, recvfrom]`:                           "",
		`[{bind: 53}, {sendto: {to: "server:7", text: x}, socket: u}]`:              "",
		`[{bind: 53}, {listen: 5}, {sendto: {to: "server:7", text: x}}]`:            "",
		`[{bind: 53}, {connect: "server:80"}, {sendto: {to: "server:7", text: x}}]`: "",
		`[{connect: "server:80"}, recvfrom]`:                                        "",
		`[{bind: 53}, {socket: {type: udp, as: u}}, {recvfrom: , socket: u}]`:       "",
	} {
		_, err := expandText(t, skeleton+someExpectation+"actors:\n  client: "+steps+"\n", nil)
		got := ""
		if err != nil {
			got = err.Error()
		}
		_, got, _ = strings.Cut(got, ": ") // the place
		want := ""
		if refused != "" {
			want = refused + " needs a UDP socket, and the steps before it make only TCP sockets; " +
				"add the step {socket: udp} before bind"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", steps, diff)
		}
	}
}
