//go:build amd64 || arm64

package tracepoint

import (
	"bytes"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"
)

// noReason is NO_REASON in bpf/record.h.
const noReason = ^uint32(0)

// stateNames are the TCP states by number (include/net/tcp_states.h), as ss names them.
var stateNames = [...]string{
	0: "", 1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2",
	6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING",
	12: "SYN_RECV", // TCP_NEW_SYN_RECV, a request's
}

// congestionNames are the values of enum tcp_ca_state (include/uapi/linux/tcp.h).
var congestionNames = [...]string{"Open", "Disorder", "CWR", "Recovery", "Loss"}

// nameOf returns the name of a number, or the number.
func nameOf[N ~uint8 | ~uint32](names []string, n N) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprint(n)
}

// decoder makes events of the records of bpf/record.h.
type decoder struct {
	dropReasons, resetReasons map[uint32]string
}

// as returns a record as one of the types of bpf/record.h. The ring pads records to 8 bytes.
func as[T any](record []byte) (*T, error) {
	var want T
	if have := len(record); have < int(unsafe.Sizeof(want)) {
		return nil, fmt.Errorf("a record of %d bytes: want a %T of %d",
			have, want, unsafe.Sizeof(want))
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(record))), nil
}

// head returns the head of a record, which all of them begin with.
func (d *decoder) head(record []byte) (*bpfHead, error) { return as[bpfHead](record) }

// event returns the event of a record.
func (d *decoder) event(record []byte) (Event, error) {
	h, err := d.head(record)
	if err != nil {
		return nil, err
	}
	switch head := about(h); Kind(h.Kind) {
	case KindTransition:
		return decode(record, head, transition)
	case KindDrop:
		return decode(record, head, d.drop)
	case KindRetransmit:
		return decode(record, head, retransmit)
	case KindReset:
		return decode(record, head, d.reset)
	case KindProbe:
		return decode(record, head, probe)
	case KindCall:
		return decode(record, head, call)
	default:
		return nil, fmt.Errorf("a record of unknown kind %d", h.Kind)
	}
}

func decode[T any](record []byte, head Head, event func(Head, *T) Event) (Event, error) {
	r, err := as[T](record)
	if err != nil {
		return nil, err
	}
	return event(head, r), nil
}

// about decodes what all events have.
func about(h *bpfHead) Head {
	return Head{
		At:        time.Duration(h.At),
		Namespace: uint64(h.Netns),
		Socket: Socket{
			Cookie: h.Cookie,
			State:  nameOf(stateNames[:], h.State),
			Local:  address(h.Family, h.Local, h.LocalPort),
			Remote: address(h.Family, h.Remote, h.RemotePort),
		},
	}
}

func address(family uint16, ip [16]byte, port uint16) netip.AddrPort {
	switch family {
	case syscall.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[:4])), port)
	case syscall.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(ip).Unmap(), port)
	default:
		return netip.AddrPort{}
	}
}

func transition(head Head, r *bpfTransition) Event {
	return Transition{
		Head: head, From: nameOf(stateNames[:], r.From), To: nameOf(stateNames[:], r.To),
		FINReceived: r.FinReceived != 0, Err: syscall.Errno(r.Err),
	}
}

func (d *decoder) drop(head Head, r *bpfDrop) Event {
	reason, known := d.dropReasons[r.Reason]
	if !known {
		reason = fmt.Sprintf("%#x", r.Reason)
	}
	symbol, _, _ := bytes.Cut(r.Symbol[:], []byte{0})
	e := Drop{Head: head, Reason: reason, Location: string(symbol)}
	n, version := min(int(r.Captured), len(r.Packet)), r.Packet[0]>>4
	if n > 0 && (version == 4 || version == 6) {
		e.Packet = bytes.Clone(r.Packet[:n])
	}
	return e
}

func retransmit(head Head, r *bpfRetransmit) Event {
	return Retransmit{
		Head: head, SYNACK: r.Synack != 0, Seq: r.Seq, EndSeq: r.EndSeq, Flags: r.Flags,
		Err: syscall.Errno(max(-r.Err, 0)),
	}
}

func (d *decoder) reset(head Head, r *bpfReset) Event {
	e := Reset{Head: head, Received: r.Received != 0, Answers: r.Answers != 0}
	if r.Reason != noReason {
		var known bool
		if e.Reason, known = d.resetReasons[r.Reason]; !known {
			e.Reason = fmt.Sprintf("%#x", r.Reason)
		}
	}
	return e
}

func probe(head Head, r *bpfProbe) Event {
	return Probe{
		Head: head, Cwnd: r.Cwnd, Ssthresh: r.Ssthresh,
		SRTT:       time.Duration(r.Srtt>>3) * time.Microsecond, // srtt_us counts eighths
		SendWindow: r.SendWindow, InFlight: r.InFlight,
		Congestion: nameOf(congestionNames[:], r.CaState), LeftOut: r.LeftOut,
	}
}
