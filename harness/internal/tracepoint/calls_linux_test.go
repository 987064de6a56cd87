//go:build amd64 || arm64

package tracepoint

import (
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"halfopen/scenarios/language"
)

// numberOf returns the number of a call on this architecture.
func numberOf(t *testing.T, name string) uint32 {
	t.Helper()
	for number, call := range seenCalls() {
		if call.name == name {
			return number
		}
	}
	t.Fatalf("%s is not looked at", name)
	return 0
}

func TestDecodeCalls(t *testing.T) {
	data := func(bytes ...byte) (d [32]uint8) {
		copy(d[:], bytes)
		return d
	}
	server := data(unix.AF_INET, 0, 0, 80, 198, 18, 2, 2)
	server6 := data(unix.AF_INET6, 0, 0, 80, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)
	const none = ^uint64(0)
	for _, tt := range []struct {
		name   string
		call   string
		class  callClass
		record callsBpfCall
		want   Call
	}{
		{
			"a connect that is refused", "connect", callAddress,
			callsBpfCall{Result: -111, Arguments: [6]uint64{5, 1, 16}, Length: 16, Data: server, Type: 1, Protocol: 6},
			Call{
				Result: -1, Err: unix.ECONNREFUSED, FD: 5, Type: 1, Protocol: 6, Size: -1,
				Address: netip.MustParseAddrPort("198.18.2.2:80"),
			},
		},
		{
			"a bind of IPv6", "bind", callAddress,
			callsBpfCall{Arguments: [6]uint64{5, 1, 28}, Length: 28, Data: server6},
			Call{FD: 5, Size: -1, Address: netip.MustParseAddrPort("[2001:db8::2]:80")},
		},
		{
			"a connect with an address cut short", "connect", callAddress,
			callsBpfCall{Result: -22, Arguments: [6]uint64{5, 1, 3}, Length: 3, Data: server},
			Call{Result: -1, Err: unix.EINVAL, FD: 5, Size: -1},
		},
		{
			"a connect that ends an association", "connect", callAddress,
			callsBpfCall{Arguments: [6]uint64{5, 1, 16}, Length: 16},
			Call{FD: 5, Size: -1},
		},
		{
			"a socket that was not made", "socket", callSocket,
			callsBpfCall{Result: -24, Arguments: [6]uint64{2, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, 6}},
			Call{Result: -1, Err: unix.EMFILE, FD: -1, Type: unix.SOCK_STREAM, Protocol: 6, Size: -1},
		},
		{
			"a recv that a signal interrupts", "recvfrom", callRecvfrom,
			callsBpfCall{Result: -512, Arguments: [6]uint64{3, 1, 4096, unix.MSG_PEEK}},
			Call{Result: -1, Err: unix.EINTR, FD: 3, Size: 4096, Flags: unix.MSG_PEEK},
		},
		{
			"an option", "setsockopt", callSetsockopt,
			callsBpfCall{Arguments: [6]uint64{3, 6, 18}, Length: 4, Data: data(0x10, 0x27)},
			Call{FD: 3, Size: -1, Level: 6, Option: 18, Value: []byte{0x10, 0x27, 0, 0}},
		},
		{
			"a poll of two files", "ppoll", callPpoll,
			callsBpfCall{
				Result: 1, Arguments: [6]uint64{1, 2}, Timeout: 5e8, Length: 16,
				Data: data(7, 0, 0, 0, 1, 0, 1, 0, 9, 0, 0, 0, 4, 0, 0, 0),
			},
			Call{
				Result: 1, FD: -1, Size: 2, Timeout: 500 * time.Millisecond,
				Polled: []Polled{{7, unix.POLLIN, unix.POLLIN}, {9, unix.POLLOUT, 0}},
			},
		},
		{
			"an epoll_pwait without a timeout", "epoll_pwait", callEpoll,
			callsBpfCall{Result: 1, Arguments: [6]uint64{4}, Timeout: -1},
			Call{Result: 1, FD: 4, Size: -1, Timeout: -1},
		},
		{
			"a shutdown of a bad descriptor", "shutdown", callPlain,
			callsBpfCall{Result: -9, Arguments: [6]uint64{none, 1}},
			Call{Result: -1, Err: unix.EBADF, FD: -1, Size: -1, Flags: 1},
		},
		{
			"a length beyond the data", "connect", callAddress,
			callsBpfCall{Length: 400, Data: server},
			Call{Size: -1, Address: netip.MustParseAddrPort("198.18.2.2:80")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.record
			r.Head = callsBpfHead{At: 5e9, Netns: 7, Kind: uint8(KindCall)}
			r.Began, r.Root, r.Pid, r.Tid = 4e9, 40, 41, 42
			r.Number, r.Class = numberOf(t, tt.call), uint8(tt.class)
			want := tt.want
			want.Head = Head{At: 5 * time.Second, Namespace: 7}
			want.Began, want.Root, want.PID, want.TID, want.Name = 4*time.Second, 40, 41, 42, tt.call
			got, err := (&decoder{}).event(bytesOf(&r))
			try(t, err)
			opaque := cmpopts.EquateComparable(netip.AddrPort{}, syscall.Errno(0))
			if diff := cmp.Diff(Event(want), got, opaque); diff != "" {
				t.Errorf("the event (-want +got):\n%s", diff)
			}

			r.Head.At = 0
			got, err = (&decoder{}).event(bytesOf(&r))
			try(t, err)
			if c := got.(Call); !c.Unfinished || c.Result != 0 || c.Err != 0 {
				t.Errorf("in progress it is %+v, want it unfinished without a result", c)
			}
		})
	}
}

// Each call has a class that the programs know, and a name in scenarios.
func TestEachCallHasAClassAndAName(t *testing.T) {
	var selected []string
	for _, name := range language.CallNames() {
		selected = append(selected, (&language.CallSelector{Name: name}).SystemCalls()...)
	}
	spec, err := callPrograms.load()
	try(t, err)
	size := spec.Variables["classes"].Size()
	for number, call := range seenCalls() {
		if call.class == callRing {
			continue // it is not reported
		}
		if number >= size || call.class == 0 || call.class > callEpoll2 || !slices.Contains(selected, call.name) {
			t.Errorf("call %d is %+v", number, call)
		}
	}
}
