package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// The messages of sock_diag, from include/uapi/linux/inet_diag.h and netlink.h.
const (
	nlmsgError      = 2
	nlmsgDone       = 3
	nlmsgHeaderLen  = 16
	inetDiagMsgLen  = 72
	inetDiagInfo    = 2
	tcpDiagGetSock  = 18
	legacyReqLen    = 60
	nlmFlagRequest  = 1
	nlmFlagDump     = 0x300
	stateClose      = 7
	stateNewSynRecv = 12
)

// stateNames are the TCP states by number (include/net/tcp_states.h), as ss names them.
var stateNames = [...]string{
	1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT",
	stateClose: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING",
	stateNewSynRecv: "SYN_RECV",
}

// allStates is the mask of the states of sockets in the kernel's connection and listening tables:
// all but CLOSE.
const allStates = 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<8 |
	1<<9 | 1<<10 | 1<<11 | 1<<stateNewSynRecv

// timerNames are the values of idiag_timer, as ss names them.
var timerNames = [...]string{"off", "on", "keepalive", "timewait", "persist"}

const listenState = 10

// socket is a TCP socket in a dump.
type socket struct {
	// cookie identifies the kernel's object. A request socket, the connection that grows out of it
	// and the TIME_WAIT socket that replaces that share one cookie. The next connection between the
	// same addresses has another.
	cookie        uint64
	local, remote netip.AddrPort
	state         uint8
	timer         uint8
	retrans       uint8
	expires       time.Duration
	recvQ, sendQ  uint32
	inode         uint32
	info          tcpInfo
}

// tcpInfo holds the fields of struct tcp_info that events report. ok is false for sockets without
// tcp_info.
type tcpInfo struct {
	ok                                          bool
	caState, retransmits, probes, backoff       uint8
	rto, ato, rtt, rttvar                       uint32 // in microseconds
	unacked, lost, cwnd, ssthresh, totalRetrans uint32
	sndMSS, pmtu, notsent                       uint32
	bytesAcked, bytesReceived                   uint64
}

// fields returns the fields by their names in tcp_info. Fields that are 0 are left out to keep
// events small.
func (i tcpInfo) fields() map[string]int64 {
	if !i.ok {
		return nil
	}
	m := make(map[string]int64, 16)
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"ca_state", int64(i.caState)},
		{"retransmits", int64(i.retransmits)},
		{"probes", int64(i.probes)},
		{"backoff", int64(i.backoff)},
		{"rto", int64(i.rto)},
		{"ato", int64(i.ato)},
		{"rtt", int64(i.rtt)},
		{"rttvar", int64(i.rttvar)},
		{"unacked", int64(i.unacked)},
		{"lost", int64(i.lost)},
		{"snd_cwnd", int64(i.cwnd)},
		{"snd_ssthresh", int64(i.ssthresh)},
		{"total_retrans", int64(i.totalRetrans)},
		{"snd_mss", int64(i.sndMSS)},
		{"pmtu", int64(i.pmtu)},
		{"notsent_bytes", int64(i.notsent)},
		{"bytes_acked", int64(i.bytesAcked)},
		{"bytes_received", int64(i.bytesReceived)},
	} {
		if f.value != 0 {
			m[f.name] = f.value
		}
	}
	return m
}

// dumpRequest returns the netlink request for all TCP sockets of the namespace. It uses the old
// message type on purpose: only that type dumps IPv4 and IPv6 together, and the walk through the
// kernel's table is what a dump costs.
func dumpRequest(seq uint32) []byte {
	b := make([]byte, nlmsgHeaderLen+legacyReqLen)
	ne := binary.NativeEndian
	ne.PutUint32(b[0:], uint32(len(b)))
	ne.PutUint16(b[4:], tcpDiagGetSock)
	ne.PutUint16(b[6:], nlmFlagRequest|nlmFlagDump)
	ne.PutUint32(b[8:], seq)
	req := b[nlmsgHeaderLen:]
	req[3] = 1 << (inetDiagInfo - 1)
	ne.PutUint32(req[52:], allStates)
	return b
}

var errTruncated = errors.New("truncated message")

// parseDump reads the netlink messages of one datagram and passes each socket to add. It reports
// whether the dump is complete. Messages that answer a request other than seq are skipped: they are
// left over from a broken dump.
func parseDump(b []byte, seq uint32, add func(*socket)) (done bool, err error) {
	ne := binary.NativeEndian
	for len(b) > 0 {
		if len(b) < nlmsgHeaderLen {
			return false, errTruncated
		}
		length := int(ne.Uint32(b))
		if length < nlmsgHeaderLen || length > len(b) {
			return false, fmt.Errorf("message of length %d in %d bytes: %w", length, len(b), errTruncated)
		}
		kind, answers, body := ne.Uint16(b[4:]), ne.Uint32(b[8:]), b[nlmsgHeaderLen:length]
		b = b[min(align4(length), len(b)):]
		if answers != seq {
			continue
		}
		switch kind {
		case nlmsgDone, nlmsgError:
			// Both begin with a negative errno, or 0.
			if len(body) < 4 {
				return false, errTruncated
			}
			if errno := -int32(ne.Uint32(body)); errno != 0 {
				return false, syscall.Errno(errno)
			}
			if kind == nlmsgDone {
				return true, nil
			}
		case tcpDiagGetSock:
			var s socket
			if err := s.parse(body); err != nil {
				return false, err
			}
			add(&s)
		}
	}
	return false, nil
}

func align4(n int) int { return (n + 3) &^ 3 }

const familyIPv4 = 2 // AF_INET

// parse reads a struct inet_diag_msg and the attributes after it.
func (s *socket) parse(b []byte) error {
	if len(b) < inetDiagMsgLen {
		return errTruncated
	}
	ne, be := binary.NativeEndian, binary.BigEndian
	family := b[0]
	addr := func(b []byte) netip.Addr {
		if family == familyIPv4 {
			return netip.AddrFrom4([4]byte(b[:4]))
		}
		return netip.AddrFrom16([16]byte(b)).Unmap() // an IPv4 connection of an IPv6 socket
	}
	s.state, s.timer, s.retrans = b[1], b[2], b[3]
	s.local = netip.AddrPortFrom(addr(b[8:24]), be.Uint16(b[4:]))
	s.remote = netip.AddrPortFrom(addr(b[24:40]), be.Uint16(b[6:]))
	s.cookie = uint64(ne.Uint32(b[44:])) | uint64(ne.Uint32(b[48:]))<<32
	s.expires = time.Duration(ne.Uint32(b[52:])) * time.Millisecond
	s.recvQ, s.sendQ = ne.Uint32(b[56:]), ne.Uint32(b[60:])
	s.inode = ne.Uint32(b[68:])

	for b = b[inetDiagMsgLen:]; len(b) >= 4; {
		length := int(ne.Uint16(b))
		if length < 4 || length > len(b) {
			return errTruncated
		}
		if ne.Uint16(b[2:]) == inetDiagInfo && s.state != listenState {
			s.info.parse(b[4:length])
		}
		b = b[min(align4(length), len(b)):]
	}
	return nil
}

// parse reads a struct tcp_info. Older kernels have a shorter one: the fields that it lacks stay 0.
func (i *tcpInfo) parse(b []byte) {
	var whole [160]byte
	copy(whole[:], b)
	u32 := func(offset int) uint32 { return binary.NativeEndian.Uint32(whole[offset:]) }
	u64 := func(offset int) uint64 { return binary.NativeEndian.Uint64(whole[offset:]) }
	*i = tcpInfo{
		ok:      true,
		caState: whole[1], retransmits: whole[2], probes: whole[3], backoff: whole[4],
		rto: u32(8), ato: u32(12), sndMSS: u32(16),
		unacked: u32(24), lost: u32(32),
		pmtu: u32(60), rtt: u32(68), rttvar: u32(72), ssthresh: u32(76), cwnd: u32(80),
		totalRetrans: u32(100),
		bytesAcked:   u64(120), bytesReceived: u64(128), notsent: u32(144),
	}
}

// stateName returns the state as ss names it.
func (s *socket) stateName() string {
	if int(s.state) < len(stateNames) && stateNames[s.state] != "" {
		return stateNames[s.state]
	}
	return fmt.Sprintf("STATE_%d", s.state)
}

// timerName returns the timer as ss names it.
func (s *socket) timerName() string {
	if int(s.timer) < len(timerNames) {
		return timerNames[s.timer]
	}
	return fmt.Sprintf("timer_%d", s.timer)
}
