package actor

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// numbersOf reads the sequence numbers of a TCP socket. The kernel reports them only in repair
// mode, which needs CAP_NET_ADMIN and lasts some microseconds here. No other thread may send on the
// socket during that time.
//
// The kernel does not report the initial numbers. They are the current ones minus everything that
// was transferred, including the SYN. tcp_info has counts of bytes (RFC 4898,
// tcpEStatsAppHCThruOctetsAcked and tcpEStatsAppHCThruOctetsReceived). Its count of acknowledged
// bytes includes the SYN on the socket that connected, but not on the one that accepted.
func numbersOf(s *socket) (*stream, error) {
	const tries = 100
	for range tries {
		before, err := tcpInfo(s.fd)
		if err != nil {
			return nil, err
		}
		m, err := inRepair(s.fd)
		if err != nil {
			return nil, err
		}
		after, err := tcpInfo(s.fd)
		if err != nil {
			return nil, err
		}
		if moved(&before, &after) {
			continue
		}
		return m.stream(&after, s.accepted), nil
	}
	return nil, errors.New("reading the sequence numbers: the connection is never idle long enough")
}

// moved reports whether anything was sent, received or acknowledged between two readings.
func moved(a, b *unix.TCPInfo) bool {
	return a.State != b.State || a.Bytes_acked != b.Bytes_acked ||
		a.Bytes_received != b.Bytes_received || a.Bytes_sent != b.Bytes_sent ||
		a.Notsent_bytes != b.Notsent_bytes
}

// moment holds the numbers of a socket at one moment.
type moment struct {
	written, received uint32 // tp->write_seq and tp->rcv_nxt
	unacked, unsent   int    // written bytes not yet acknowledged and not yet sent, a FIN included
	clock             uint32
}

func (m *moment) stream(info *unix.TCPInfo, accepted bool) *stream {
	st := &stream{
		next:     m.written - uint32(m.unsent),
		expected: m.received,
		clock:    m.clock,
		window:   uint16(min(uint64(info.Rcv_wnd)>>receiveScale(info), 65535)),
	}
	const synSent = 2
	if info.State == synSent {
		// The ioctl does not count yet: only the SYN was written.
		st.next, st.initial = m.written, m.written-1
		return st
	}
	st.initial = m.written - uint32(m.unacked) - uint32(info.Bytes_acked)
	if accepted {
		st.initial--
	}
	st.peerInitial = m.received - 1 - uint32(info.Bytes_received)
	return st
}

// receiveScale is the second of the two bit fields after tcpi_options (include/uapi/linux/tcp.h).
func receiveScale(info *unix.TCPInfo) int {
	const scales = 6
	return int((*[scales + 1]byte)(unsafe.Pointer(info))[scales] >> 4)
}

func tcpInfo(fd int) (unix.TCPInfo, error) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return unix.TCPInfo{}, err
	}
	return *info, nil
}

// inRepair reads the numbers that the kernel reports only in repair mode. Leaving that mode resets
// SO_REUSEADDR, so inRepair restores it.
func inRepair(fd int) (m moment, err error) {
	const (
		on           = 1
		offNoProbe   = -1 // TCP_REPAIR_OFF_NO_WP: without a window probe
		receiveQueue = 1
		sendQueue    = 2
	)
	reuse, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR)
	if err != nil {
		return m, err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, on); err != nil {
		return m, err
	}
	read := func(queue int, into *uint32) {
		if err == nil {
			err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR_QUEUE, queue)
		}
		if err == nil {
			var n int
			n, err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUEUE_SEQ)
			*into = uint32(n)
		}
	}
	read(receiveQueue, &m.received)
	if err == nil {
		m.unacked, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	}
	if err == nil {
		m.unsent, err = unix.IoctlGetInt(fd, siocoutqnsd)
	}
	// Read the send queue last: in repair mode the kernel counts data as sent that never goes out.
	read(sendQueue, &m.written)
	off := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, offNoProbe)
	back := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, reuse)
	if err := errors.Join(err, off, back); err != nil {
		return m, err
	}
	clock, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_TIMESTAMP)
	m.clock = uint32(clock)
	return m, err
}
