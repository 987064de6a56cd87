package harness

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
	"halfopen/inject"
)

func TestEventsOfTracepointsInATrace(t *testing.T) {
	head := tracepoint.Head{At: 1500, Namespace: 7, Socket: tracepoint.Socket{
		Cookie: 9, State: "CLOSE",
		Local:  netip.MustParseAddrPort("198.18.1.2:40000"),
		Remote: netip.MustParseAddrPort("[fd00::2]:8080"),
	}}
	socket := trace.TCPSocket{
		Host: "client", Cookie: 9, State: "CLOSE",
		Local: "198.18.1.2:40000", Remote: "[fd00::2]:8080",
	}
	for _, tt := range []struct {
		name  string
		event tracepoint.Event
		want  trace.Event
	}{
		{
			"a transition",
			tracepoint.Transition{
				Head: head, From: "ESTABLISHED", To: "CLOSE", FINReceived: true,
				Err: syscall.ECONNRESET,
			},
			trace.Event{Transition: &trace.Transition{
				TCPSocket: socket, From: "ESTABLISHED", FINReceived: true, Errno: "ECONNRESET",
			}},
		},
		{
			"a drop",
			tracepoint.Drop{
				Head: head, Reason: "NO_SOCKET", Location: "tcp_v4_rcv", Packet: []byte{0x45},
			},
			trace.Event{Drop: &trace.Drop{
				TCPSocket: socket, Reason: "NO_SOCKET", Location: "tcp_v4_rcv",
				Packet: []byte{0x45},
			}},
		},
		{
			"a drop of which only the reason is known",
			tracepoint.Drop{Head: tracepoint.Head{At: 1500}, Reason: "0x20003"},
			trace.Event{Drop: &trace.Drop{
				TCPSocket: trace.TCPSocket{Host: "client"}, Reason: "0x20003",
			}},
		},
		{
			"a retransmit that was not sent",
			tracepoint.Retransmit{
				Head: head, SYNACK: true, Seq: 1, EndSeq: 2, Flags: 0x12, Err: syscall.EAGAIN,
			},
			trace.Event{Retransmit: &trace.Retransmit{
				TCPSocket: socket, SYNACK: true, Seq: 1, EndSeq: 2, Flags: 0x12, Errno: "EAGAIN",
			}},
		},
		{
			"a reset",
			tracepoint.Reset{Head: head, Received: true, Answers: true, Reason: "NO_SOCKET"},
			trace.Event{Reset: &trace.Reset{
				TCPSocket: socket, Received: true, Answers: true, Reason: "NO_SOCKET",
			}},
		},
		{
			"a probe",
			tracepoint.Probe{
				Head: head, Cwnd: 10, Ssthresh: 7, SRTT: time.Millisecond, SendWindow: 65535,
				InFlight: 3, Congestion: "Loss", LeftOut: 1,
			},
			trace.Event{Probe: &trace.Probe{
				TCPSocket: socket, Cwnd: 10, Ssthresh: 7, SRTT: time.Millisecond,
				SendWindow: 65535, InFlight: 3, Congestion: "Loss", LeftOut: 1,
			}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.T = 500
			got := traceEvent("client", trace.Clock{Base: 1000}, tt.event)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the event (-want +got):\n%s", diff)
			}
			if got, want := got.Kind(), string(kernelEvents[tt.event.Kind()]); got != want {
				t.Errorf("its kind is %q, want %q", got, want)
			}
		})
	}
}

func TestUnwatchedSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want trace.Tracepoints
	}{
		{
			"something is missing, and how to get it is known",
			&inject.MissingError{
				Feature: "CAP_BPF and CAP_PERFMON", NeededBy: "eBPF for tracepoints",
				Remedy: "run as root", Err: syscall.EPERM,
			},
			trace.Tracepoints{
				Off:    "CAP_BPF and CAP_PERFMON are not available here: operation not permitted",
				Remedy: "run as root",
			},
		},
		{
			"anything else", errors.New("watching network namespace 3: it is being watched"),
			trace.Tracepoints{Off: "watching network namespace 3: it is being watched"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(&tt.want, unwatched(tt.err)); diff != "" {
				t.Errorf("unwatched() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGapsOfTheKernel(t *testing.T) {
	got := gaps([]tracepoint.Gap{
		{Tracepoint: "tcp:tcp_probe", Kind: tracepoint.KindProbe},
		{Tracepoint: "skb:kfree_skb", Kind: tracepoint.KindDrop, Lacks: "receiving sockets"},
	})
	want := []trace.Gap{
		{Events: trace.Drops, Text: "skb:kfree_skb has no receiving sockets", Partial: true},
		{Events: trace.Probes, Text: "tcp:tcp_probe is missing"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gaps() (-want +got):\n%s", diff)
	}
}

// The first events of each kind are kept for each host; the flood of one host does not cost
// another its events, nor one kind those of another.
func TestAFloodOfEventsIsCounted(t *testing.T) {
	kernel := newTracepoints(true)
	flooded, quiet := &watchedHost{name: "server"}, &watchedHost{name: "client"}
	kernel.hosts = []*watchedHost{quiet, flooded}
	const beyond = 5
	most := mostKept[tracepoint.KindDrop]
	for i := range most + beyond {
		at := tracepoint.Head{At: time.Duration(i)}
		kernel.keep(flooded, tracepoint.Drop{Head: at})
	}
	last := tracepoint.Head{At: time.Duration(most + beyond)}
	kernel.keep(flooded, tracepoint.Transition{Head: last})
	kernel.keep(quiet, tracepoint.Drop{Head: last})

	events := kernel.take(trace.Clock{})
	if got, want := len(events), most+2; got != want {
		t.Fatalf("%d events were kept, want %d", got, want)
	}
	if e := events[most-1]; e.Drop == nil || e.T != time.Duration(most-1) {
		t.Errorf("event %d is %s at %d, want the drop of its number", most-1, e.Kind(), e.T)
	}
	if e := events[most]; e.Transition == nil {
		t.Errorf("event %d is a %s, want the transition", most, e.Kind())
	}
	if e := events[most+1]; e.Drop == nil || e.Drop.Host != "client" {
		t.Errorf("the last event is %+v, want the drop of the client", e)
	}
	flooded.lost[tracepoint.KindDrop], quiet.lost[tracepoint.KindReset] = 3, 1
	want := []trace.Event{
		{Lost: &trace.Lost{Host: "client", Events: trace.Resets, N: 1, Kernel: 1}},
		{Lost: &trace.Lost{Host: "server", Events: trace.Drops, N: beyond + 3, Kernel: 3}},
	}
	if diff := cmp.Diff(want, kernel.lost()); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if left := kernel.take(trace.Clock{}); len(left) != 0 {
		t.Errorf("a second call takes %d events", len(left))
	}
}

func TestWhatCannotBeReadMakesATraceUntrue(t *testing.T) {
	kernel := newTracepoints(true)
	kernel.failed = errors.New("reading the events of tracepoints: a record of 3 bytes")
	want := []trace.Event{
		{Note: &trace.Note{
			Text: "reading the events of tracepoints: a record of 3 bytes", Untrue: true,
		}},
	}
	if diff := cmp.Diff(want, kernel.lost()); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
}
