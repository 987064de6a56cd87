package harness

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
)

func TestCallEvents(t *testing.T) {
	polled := []tracepoint.Polled{{FD: 5, Events: unix.POLLIN | unix.POLLRDHUP, Revents: unix.POLLHUP}}
	for _, tt := range []struct {
		name string
		call tracepoint.Call
		want string // what of flags, option, value and timeout there is
	}{
		{"flags of recv", tracepoint.Call{Name: "recvfrom", Flags: unix.MSG_PEEK | unix.MSG_DONTWAIT}, "MSG_PEEK|MSG_DONTWAIT"},
		{"a flag without a name", tracepoint.Call{Name: "sendmsg", Flags: unix.MSG_MORE | 1<<27}, "MSG_MORE|0x8000000"},
		{"no flags", tracepoint.Call{Name: "sendto"}, ""},
		{"what shutdown shuts down", tracepoint.Call{Name: "shutdown", Flags: unix.SHUT_WR}, "write"},
		{"a shutdown of nothing", tracepoint.Call{Name: "shutdown", Flags: 7}, ""},
		{"a shutdown with a negative number", tracepoint.Call{Name: "shutdown", Flags: -1}, ""},
		{"a backlog", tracepoint.Call{Name: "listen", Flags: 128}, "128"},
		{"an option", tracepoint.Call{Name: "setsockopt", Level: unix.IPPROTO_TCP, Option: unix.TCP_USER_TIMEOUT, Value: []byte{0x10, 0x27, 0, 0}}, "TCP_USER_TIMEOUT 10000"},
		{"the error of a socket", tracepoint.Call{Name: "getsockopt", Level: unix.SOL_SOCKET, Option: unix.SO_ERROR, Value: []byte{111, 0, 0, 0}}, "SO_ERROR ECONNREFUSED"},
		{"linger", tracepoint.Call{Name: "setsockopt", Level: unix.SOL_SOCKET, Option: unix.SO_LINGER, Value: []byte{1, 0, 0, 0, 5, 0, 0, 0}}, "SO_LINGER 5s"},
		{"a timeout of recv", tracepoint.Call{Name: "setsockopt", Level: unix.SOL_SOCKET, Option: unix.SO_RCVTIMEO, Value: []byte{2, 0, 0, 0, 0, 0, 0, 0, 0x20, 0xa1, 7, 0, 0, 0, 0, 0}}, "SO_RCVTIMEO 2.5s"},
		{"an option of which too little is there", tracepoint.Call{Name: "setsockopt", Level: unix.SOL_SOCKET, Option: unix.SO_LINGER, Value: []byte{1, 0}}, "SO_LINGER 0100"},
		{"an unknown option", tracepoint.Call{Name: "setsockopt", Level: 77, Option: 3, Value: []byte{1, 0, 0, 0}}, "77/3 1"},
		{"a poll that has returned", tracepoint.Call{Name: "poll", FD: -1, Size: 2, Polled: polled, Timeout: time.Second}, "5 POLLIN|POLLRDHUP = POLLHUP, ... 1s"},
		{"a poll in progress", tracepoint.Call{Name: "ppoll", FD: -1, Size: 1, Polled: polled, Timeout: -1, Unfinished: true}, "5 POLLIN|POLLRDHUP"},
		{"an epoll_wait", tracepoint.Call{Name: "epoll_wait", Timeout: 20 * time.Millisecond}, "20ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := callEvent("client", &trace.Program{}, trace.Clock{}, &tt.call).Call
			got := c.Flags + c.Option
			if c.Value != "" && c.Option != "" {
				got += " "
			}
			got += c.Value
			if c.Timeout != nil {
				if got != "" {
					got += " "
				}
				got += c.Timeout.String()
			}
			if got != tt.want {
				t.Errorf("the event has %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSocketsOfCalls(t *testing.T) {
	call := tracepoint.Call{
		Name: "connect", FD: 3, Size: -1, Type: unix.SOCK_STREAM, Err: unix.ECONNREFUSED, Result: -1,
		Address: netip.MustParseAddrPort("198.18.2.2:80"),
	}
	call.Socket.Local = netip.MustParseAddrPort("198.18.1.2:40000")
	call.Socket.Remote = netip.MustParseAddrPort("198.18.2.2:0")
	c := callEvent("client", &trace.Program{Actor: "client", Step: "exec", N: 2}, trace.Clock{}, &call).Call
	if c.Actor != "client" || c.Step != "exec" || c.N != 2 || *c.FD != 3 || c.Size != nil ||
		c.Errno != "ECONNREFUSED" || c.Address != "198.18.2.2:80" || c.Local != "198.18.1.2:40000" {
		t.Errorf("the event is %+v", c)
	}
	if c.Remote != "" {
		t.Errorf("a socket without a peer has the peer %s", c.Remote)
	}
	for want, numbers := range map[string][2]int{
		"tcp": {unix.SOCK_STREAM, unix.IPPROTO_TCP}, "udp": {unix.SOCK_DGRAM, 0},
		"icmp": {unix.SOCK_RAW, unix.IPPROTO_ICMP}, "132": {unix.SOCK_SEQPACKET, 132}, "": {0, 0},
	} {
		if got := protocolName(numbers[0], numbers[1]); got != want {
			t.Errorf("a socket of type %d and protocol %d is %q, want %q", numbers[0], numbers[1], got, want)
		}
	}
}
