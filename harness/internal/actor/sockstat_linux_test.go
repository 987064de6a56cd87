package actor

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

func sockstatOp() language.Op { return language.Op{Sockstat: &language.Sockstat{}} }

func TestSockstatCountsSockets(t *testing.T) {
	ownNetwork(t)
	const port = "127.0.0.1:2220"
	o := outcomes(
		t,
		step("before", sockstatOp()),
		step("listen", listenOn(2220)), times(3, step("connect", connectTo(port))), times(3, step("accept", acceptOp())),
		step("udp", language.Op{Socket: &language.SocketOp{Type: "udp"}}), step("bind", language.Op{Bind: &language.Bind{}}),
		step("up", sockstatOp()),
		on("conn", step("close", closeOp())), on("sock2", step("close2", closeOp())),
		on("sock", step("recv", language.Op{Recv: &language.Recv{Until: "eof"}})), on("sock", step("close3", closeOp())),
		on("conn2", step("recv2", language.Op{Recv: &language.Recv{Until: "eof"}})), on("conn2", step("close4", closeOp())),
		step("down", sockstatOp()),
	)
	rise := func(from, to string) map[string]int64 {
		rose := make(map[string]int64)
		for name, n := range o[to].Values {
			if d := n - o[from].Values[name]; d != 0 && !slices.Contains(machineWide, name) {
				rose[name] = d
			}
		}
		return rose
	}
	for _, tt := range []struct {
		from, to string
		want     map[string]int64
	}{
		{"before", "up", map[string]int64{"sockets_used": 8, "tcp_inuse": 7, "udp_inuse": 1, "state.LISTEN": 1, "state.ESTABLISHED": 6}},
		{"up", "down", map[string]int64{"sockets_used": -4, "tcp_inuse": -4, "tcp_tw": 2, "state.ESTABLISHED": -4, "state.TIME_WAIT": 2}},
	} {
		if o[tt.to].Errno != "" || o[tt.to].Problem != "" {
			t.Fatalf("%s: %q, %q", tt.to, o[tt.to].Errno, o[tt.to].Problem)
		}
		if diff := cmp.Diff(tt.want, rise(tt.from, tt.to)); diff != "" {
			t.Errorf("from %s to %s (-want +got):\n%s", tt.from, tt.to, diff)
		}
	}
}

// machineWide are counts over all network namespaces, which other programs change too.
var machineWide = []string{"tcp_orphan", "tcp_alloc", "tcp_mem", "udp_mem"}

func TestReadingSockstat(t *testing.T) {
	values := map[string]int64{}
	for _, table := range []string{
		"sockets: used 300\nTCP: inuse 5 orphan 1 tw 7 alloc 9 mem 2\nUDP: inuse 2 mem 0\nFRAG: inuse 0 memory 0\n",
		"TCP6: inuse 4\n",
	} {
		if err := addSockstat(values, table); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int64{
		"sockets_used": 300, "tcp_inuse": 5, "tcp_orphan": 1, "tcp_tw": 7, "tcp_alloc": 9, "tcp_mem": 2, "udp_inuse": 2, "udp_mem": 0,
		"frag_inuse": 0, "frag_memory": 0, "tcp6_inuse": 4,
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, table := range []string{"nonsense\n", "TCP: inuse\n", "TCP: inuse x\n"} {
		if addSockstat(values, table) == nil {
			t.Errorf("%q was read", table)
		}
	}
}

func TestReadingStates(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:08AC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1 0000000000000000 100 0 0 10 0
   1: 0100007F:08AC 0100007F:8001 01 00000000:00000000 00:00000000 00000000     0        0 18 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:08AC 0100007F:8002 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000
   3: 0100007F:08AC 0100007F:8003 03 00000000:00000000 01:00000051 00000000     0        0 0 0 0000000000000000
   4: 0100007F:08AC 0100007F:8004 01 00000000:00000000 00:00000000 00000000     0        0 19 1 0000000000000000 20 4 30 10 -1
`
	values := map[string]int64{}
	for range 2 { // as tcp and tcp6
		if err := addStates(values, table); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int64{
		"state.LISTEN": 2, "state.ESTABLISHED": 4, "state.TIME_WAIT": 2, "state.SYN_RECV": 2, "state.SYN_SENT": 0, "state.FIN_WAIT1": 0,
		"state.FIN_WAIT2": 0, "state.CLOSE_WAIT": 0, "state.LAST_ACK": 0, "state.CLOSING": 0,
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, table := range []string{"sl\n 0: a b\n", "sl\n 0: a b xx\n"} {
		if addStates(values, table) == nil {
			t.Errorf("%q was read", table)
		}
	}
}
