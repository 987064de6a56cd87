//go:build amd64 || arm64

package tracepoint

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

// bytesOf returns a record of bpf/record.h as it is in the ring.
func bytesOf[T any](record *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(record)), unsafe.Sizeof(*record))
}

func TestDecode(t *testing.T) {
	d := &decoder{
		dropReasons:  map[uint32]string{3: "NO_SOCKET"},
		resetReasons: map[uint32]string{1: "NO_SOCKET"},
	}
	head := func(kind Kind, state uint8) bpfHead {
		return bpfHead{
			At: 5e9, Cookie: 77, Netns: 4026531840, Kind: uint8(kind), State: state, Family: unix.AF_INET,
			LocalPort: 1234, Local: [16]uint8{198, 18, 0, 1},
			RemotePort: 80, Remote: [16]uint8{198, 18, 0, 2},
		}
	}
	about := func(state string) Head {
		return Head{At: 5 * time.Second, Namespace: 4026531840, Socket: Socket{
			Cookie: 77, State: state,
			Local:  netip.MustParseAddrPort("198.18.0.1:1234"),
			Remote: netip.MustParseAddrPort("198.18.0.2:80"),
		}}
	}
	mapped := head(KindReset, 12)
	mapped.Family = unix.AF_INET6
	mapped.Local = netip.MustParseAddr("::ffff:198.18.0.1").As16()
	mapped.Remote = netip.MustParseAddr("::ffff:198.18.0.2").As16()
	nobody := bpfHead{At: 5e9, Netns: 4026531840, Kind: uint8(KindDrop)}
	symbol := [40]uint8{}
	copy(symbol[:], "tcp_v4_rcv")

	for _, test := range []struct {
		name   string
		record []byte
		want   Event
	}{
		{
			"a transition",
			bytesOf(&bpfTransition{
				Head: head(KindTransition, 7), From: 2, To: 7, Err: int32(unix.ECONNREFUSED),
			}),
			Transition{Head: about("CLOSE"), From: "SYN_SENT", To: "CLOSE", Err: unix.ECONNREFUSED},
		},
		{
			"a transition after a FIN",
			bytesOf(&bpfTransition{
				Head: head(KindTransition, 7), From: 5, To: 7, FinReceived: 1,
			}),
			Transition{Head: about("CLOSE"), From: "FIN_WAIT2", To: "CLOSE", FINReceived: true},
		},
		{
			"a state that is not known",
			bytesOf(&bpfTransition{Head: head(KindTransition, 13), From: 1, To: 13}),
			Transition{Head: about("13"), From: "ESTABLISHED", To: "13"},
		},
		{
			"a drop without a socket",
			bytesOf(&bpfDrop{
				Head: nobody, Reason: 3, Captured: 3, Symbol: symbol,
				Packet: [128]uint8{0x45, 0, 60, 9},
			}),
			Drop{
				Head:   Head{At: 5 * time.Second, Namespace: 4026531840},
				Reason: "NO_SOCKET", Location: "tcp_v4_rcv", Packet: []byte{0x45, 0, 60},
			},
		},
		{
			"a drop without an IP header, for a reason of a module",
			bytesOf(&bpfDrop{
				Head: head(KindDrop, 2), Reason: 0x20003, Captured: 2, Packet: [128]uint8{0x12},
			}),
			Drop{Head: about("SYN_SENT"), Reason: "0x20003"},
		},
		{
			"a retransmit",
			bytesOf(&bpfRetransmit{Head: head(KindRetransmit, 1), Seq: 7, EndSeq: 9, Flags: 0x18}),
			Retransmit{Head: about("ESTABLISHED"), Seq: 7, EndSeq: 9, Flags: 0x18},
		},
		{
			"a retransmit that failed",
			bytesOf(&bpfRetransmit{Head: head(KindRetransmit, 1), Err: -int32(unix.ENOBUFS)}),
			Retransmit{Head: about("ESTABLISHED"), Err: unix.ENOBUFS},
		},
		{
			"a SYN-ACK",
			bytesOf(&bpfRetransmit{
				Head: head(KindRetransmit, 12), Synack: 1, Seq: 7, EndSeq: 8, Flags: 0x12,
			}),
			Retransmit{Head: about("SYN_RECV"), SYNACK: true, Seq: 7, EndSeq: 8, Flags: 0x12},
		},
		{
			"a reset by an IPv6 socket with IPv4 addresses",
			bytesOf(&bpfReset{Head: mapped, Reason: 1, Answers: 1}),
			Reset{Head: about("SYN_RECV"), Answers: true, Reason: "NO_SOCKET"},
		},
		{
			"a reset received",
			bytesOf(&bpfReset{Head: head(KindReset, 1), Reason: noReason, Received: 1}),
			Reset{Head: about("ESTABLISHED"), Received: true},
		},
		{
			"a reset for an unknown reason",
			bytesOf(&bpfReset{Head: head(KindReset, 1), Reason: 99}),
			Reset{Head: about("ESTABLISHED"), Reason: "0x63"},
		},
		{
			"a probe",
			bytesOf(&bpfProbe{
				Head: head(KindProbe, 1), Cwnd: 10, Ssthresh: 7, Srtt: 8000,
				SendWindow: 65535, InFlight: 2, CaState: 3, LeftOut: 4,
			}),
			Probe{
				Head: about("ESTABLISHED"), Cwnd: 10, Ssthresh: 7, SRTT: time.Millisecond,
				SendWindow: 65535, InFlight: 2, Congestion: "Recovery", LeftOut: 4,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := d.event(test.record)
			if err != nil {
				t.Fatal(err)
			}
			opaque := cmpopts.EquateComparable(netip.AddrPort{}, syscall.Errno(0))
			if diff := cmp.Diff(test.want, got, opaque); diff != "" {
				t.Errorf("the event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	d := &decoder{}
	short := bytesOf(&bpfTransition{Head: bpfHead{Kind: uint8(KindDrop)}})
	unknown := bytesOf(&bpfHead{Kind: 9})
	for want, record := range map[string][]byte{
		"a record of 3 bytes":        {1, 2, 3},
		"a record of 72 bytes":       short,
		"a record of unknown kind 9": unknown,
	} {
		if e, err := d.event(record); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the record gives %v, %v; want %q", e, err, want)
		}
	}
}
