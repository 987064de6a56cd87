package observe

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// message makes a netlink message.
func message(kind uint16, seq uint32, body []byte) []byte {
	b := make([]byte, nlmsgHeaderLen, nlmsgHeaderLen+len(body))
	binary.NativeEndian.PutUint32(b, uint32(nlmsgHeaderLen+len(body)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint32(b[8:], seq)
	return append(b, body...)
}

// established returns the inet_diag_msg of a connection, with a tcp_info attribute.
func established() []byte {
	b := make([]byte, inetDiagMsgLen)
	ne, be := binary.NativeEndian, binary.BigEndian
	b[0], b[1], b[2], b[3] = unix.AF_INET, 1, 4, 2
	be.PutUint16(b[4:], 40000)
	be.PutUint16(b[6:], 8080)
	copy(b[8:], []byte{198, 18, 0, 1})
	copy(b[24:], []byte{198, 18, 0, 2})
	ne.PutUint32(b[44:], 7)
	ne.PutUint32(b[52:], 1500)
	ne.PutUint32(b[56:], 5)
	ne.PutUint32(b[60:], 6)
	ne.PutUint32(b[68:], 99)
	var info unix.TCPInfo
	info.Ca_state, info.Retransmits, info.Probes, info.Backoff = 4, 1, 2, 3
	info.Rto, info.Ato, info.Snd_mss, info.Unacked, info.Lost = 204000, 40000, 1448, 11, 12
	info.Pmtu, info.Rtt, info.Rttvar, info.Snd_ssthresh, info.Snd_cwnd = 1500, 100, 50, 7, 10
	info.Total_retrans, info.Bytes_acked, info.Bytes_received, info.Notsent_bytes = 13, 14, 15, 16
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info))
	attribute := make([]byte, 4)
	ne.PutUint16(attribute, uint16(4+len(raw)))
	ne.PutUint16(attribute[2:], inetDiagInfo)
	return append(append(b, attribute...), raw...)
}

func TestDumpWithOneConnection(t *testing.T) {
	var got []socket
	text := append(message(tcpDiagGetSock, 3, established()), message(tcpDiagGetSock, 2, established())...)
	done, err := parseDump(append(text, message(nlmsgDone, 3, make([]byte, 4))...), 3, func(s *socket) { got = append(got, *s) })
	if err != nil || !done {
		t.Fatalf("done %t, error %v", done, err)
	}
	want := []socket{{
		cookie: 7, local: netip.MustParseAddrPort("198.18.0.1:40000"), remote: netip.MustParseAddrPort("198.18.0.2:8080"),
		state: 1, timer: 4, retrans: 2, expires: 1500 * time.Millisecond, recvQ: 5, sendQ: 6, inode: 99,
	}}
	if len(got) == 1 {
		want[0].info = got[0].info
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(socket{}, tcpInfo{}), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Fatalf("sockets (-want +got):\n%s", diff)
	}
	wantInfo := map[string]int64{
		"ca_state": 4, "retransmits": 1, "probes": 2, "backoff": 3, "rto": 204000, "ato": 40000, "snd_mss": 1448,
		"unacked": 11, "lost": 12, "pmtu": 1500, "rtt": 100, "rttvar": 50, "snd_ssthresh": 7, "snd_cwnd": 10,
		"total_retrans": 13, "bytes_acked": 14, "bytes_received": 15, "notsent_bytes": 16,
	}
	if diff := cmp.Diff(wantInfo, got[0].event("client").Info); diff != "" {
		t.Errorf("tcp_info (-want +got):\n%s", diff)
	}
	if e := got[0].event("client"); e.State != "ESTABLISHED" || e.Timer != "persist" {
		t.Errorf("state %s, timer %s", e.State, e.Timer)
	}
}

func TestDumpsThatAreWrong(t *testing.T) {
	minusEPERM := binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff))
	tooLong := established()
	binary.NativeEndian.PutUint16(tooLong[inetDiagMsgLen:], 4000)
	for _, c := range []struct {
		name string
		text []byte
		want error
	}{
		{"half a header", make([]byte, 7), errTruncated},
		{"a length of 0", make([]byte, 16), errTruncated},
		{"half a message", message(tcpDiagGetSock, 1, established())[:60], errTruncated},
		{"a message without its addresses", message(tcpDiagGetSock, 1, make([]byte, 20)), errTruncated},
		{"an attribute longer than its message", message(tcpDiagGetSock, 1, tooLong), errTruncated},
		{"the kernel's refusal", message(nlmsgError, 1, minusEPERM), syscall.EPERM},
		{"a dump that ends with an error", message(nlmsgDone, 1, minusEPERM), syscall.EPERM},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseDump(c.text, 1, func(*socket) {}); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func FuzzDump(f *testing.F) {
	f.Add(append(message(tcpDiagGetSock, 1, established()), message(nlmsgDone, 1, make([]byte, 4))...))
	f.Add(message(nlmsgError, 1, make([]byte, 20)))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		_, _ = parseDump(text, 1, func(s *socket) { // any error is fine
			n++
			if s.event("client").State == "" {
				t.Error("a socket has no state")
			}
		})
		if n*(nlmsgHeaderLen+inetDiagMsgLen) > len(text) {
			t.Errorf("%d sockets out of %d bytes", n, len(text))
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	f.Add(make([]byte, 32))
	f.Fuzz(func(t *testing.T, control []byte) {
		if _, _, ok := parseTimestamp(control); ok && len(control) < unix.CmsgLen(16) {
			t.Errorf("a timestamp out of %d bytes", len(control))
		}
	})
}

// BenchmarkDump measures the cost of sampling an idle host, by the size of the kernel's connection
// table.
func BenchmarkDump(b *testing.B) {
	for name, table := range map[string]string{"own-table": "256", "common-table": "0"} {
		b.Run(name, func(b *testing.B) {
			d, err := openDiag(newNamespace(b, table))
			if err != nil {
				b.Fatal(err)
			}
			defer d.close()
			for b.Loop() {
				if err := d.dump(func(*socket) {}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
