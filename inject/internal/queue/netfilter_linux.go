package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"halfopen/internal/mmsg"
)

// The names of linux/netfilter/nfnetlink_queue.h and linux/netfilter.h that x/sys/unix lacks.
const (
	nfqnlMsgPacket  = 0
	nfqnlMsgVerdict = 1
	nfqnlMsgConfig  = 2

	nfqaCfgCmd         = 1
	nfqaCfgParams      = 2
	nfqaCfgQueueMaxlen = 3
	nfqaCfgMask        = 4
	nfqaCfgFlags       = 5

	nfqnlCfgCmdBind = 1
	nfqnlCopyPacket = 2
	nfqaCfgFailOpen = 1 << 0
	nfqaCfgGSO      = 1 << 2

	nfqaPacketHdr  = 1
	nfqaVerdictHdr = 2
	nfqaTimestamp  = 4
	nfqaPayload    = 10
)

// verdict is what the kernel does with a packet.
type verdict uint32

const (
	verdictDrop   verdict = 0
	verdictAccept verdict = 1
)

// netfilter is the netlink socket of one queue. Packets are read in batches, and verdicts sent in
// batches, because the system calls are the largest cost of a stream through a queue. On the same
// path (one stream, offloads on, no captures) go-nfqueue, with two system calls for each packet,
// carried 5.7 Gbit/s and this reader 25 to 31 Gbit/s; without any queue, the path carried 33 to 56
// (docs/rationale.md).
//
// read is for one goroutine. All other methods need the queue's lock.
type netfilter struct {
	fd int
	in *mmsg.Batch
	// verdicts are the messages not sent yet.
	verdicts []byte
}

// arrival is a packet that the kernel has queued.
type arrival struct {
	id   uint32
	hook uint8
	// at is when the kernel received the packet, on CLOCK_REALTIME; 0 if the kernel does not say.
	at time.Duration
	// data is the packet from its IP header on, or the beginning of it. The next read overwrites
	// it.
	data []byte
}

const (
	// batchSize is how many packets one system call reads.
	batchSize = 64
	// besides is the room for everything in a kernel message but the packet's bytes.
	besides = 512
)

// openNetfilter binds the queue. It must be called on a thread in the host's network namespace.
// snap is how many bytes of each packet are read. With gso, packets come as offloads leave them:
// several in one, checksums not filled in.
func openNetfilter(snap int, gso bool) (_ *netfilter, err error) {
	n := &netfilter{fd: -1}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if n.in, err = mmsg.New(batchSize, snap+besides); err != nil {
		return nil, err
	}
	n.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(n.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	// If the buffer still overflows, ENOBUFS reports it.
	if err := mmsg.Enlarge(n.fd, socketBuffer); err != nil {
		return nil, err
	}
	flags := uint32(nfqaCfgFailOpen)
	if gso {
		flags |= nfqaCfgGSO
	}
	be := binary.BigEndian
	_, err = n.configure(
		nl.NewRtAttr(nfqaCfgCmd, []byte{nfqnlCfgCmdBind, 0, 0, 0}),
		nl.NewRtAttr(nfqaCfgParams, append(be.AppendUint32(nil, uint32(snap)), nfqnlCopyPacket)),
		nl.NewRtAttr(nfqaCfgFlags, be.AppendUint32(nil, flags)),
		nl.NewRtAttr(nfqaCfgMask, be.AppendUint32(nil, flags)),
		nl.NewRtAttr(nfqaCfgQueueMaxlen, be.AppendUint32(nil, most)),
	)
	if err != nil {
		return nil, err
	}
	// No packet is queued yet: the next message is the answer.
	answer := make([]byte, besides)
	length, _, err := unix.Recvfrom(n.fd, answer, 0)
	if err != nil {
		return nil, os.NewSyscallError("recvfrom", err)
	}
	if _, err = parseMessage(answer[:length]); err != nil {
		return nil, fmt.Errorf("configuring a netfilter queue: %w", err)
	}
	return n, nil
}

// configure sends attributes of the queue. The kernel answers with the number of the request, which
// configure returns. The answer comes after all packets that were queued before.
func (n *netfilter) configure(attributes ...*nl.RtAttr) (number uint32, err error) {
	r := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_QUEUE<<8|nfqnlMsgConfig, unix.NLM_F_ACK)
	r.AddData(&nl.Nfgenmsg{
		Version: nl.NFNETLINK_V0,
		// in network byte order
		ResId: binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, Number)),
	})
	for _, a := range attributes {
		r.AddData(a)
	}
	return r.Seq, os.NewSyscallError("send", unix.Send(n.fd, r.Serialize(), 0))
}

// read waits for packets and calls arrived with each one that is there, at most batchSize. It then
// returns the numbers of the requests that were answered among them; stop makes it return too.
// Errors of single messages go to trouble.
func (n *netfilter) read(arrived func(*arrival), trouble func(error)) (answers []uint32, err error) {
	count, err := n.in.Await(n.fd)
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("recvmmsg", err)
	}
	for i := range count {
		a, err := parseMessage(n.in.Message(i))
		switch {
		case err != nil:
			trouble(err)
		case a != nil:
			arrived(a)
		default:
			answers = append(answers, numberOf(n.in.Message(i)))
		}
	}
	return answers, nil
}

// numberOf returns the number of the request that a message of the kernel answers.
func numberOf(b []byte) uint32 { return binary.NativeEndian.Uint32(b[8:]) }

// parseMessage reads one message of the kernel: a packet, or an error about a message sent to it. A
// nil arrival and a nil error mean neither.
func parseMessage(b []byte) (*arrival, error) {
	ne, be := binary.NativeEndian, binary.BigEndian
	if len(b) < unix.NLMSG_HDRLEN+4 {
		return nil, errors.New("a message from the kernel is too short")
	}
	switch ne.Uint16(b[4:]) {
	case unix.NLMSG_ERROR:
		if code := int32(ne.Uint32(b[unix.NLMSG_HDRLEN:])); code != 0 {
			return nil, unix.Errno(-code)
		}
		return nil, nil
	case unix.NFNL_SUBSYS_QUEUE<<8 | nfqnlMsgPacket:
	default:
		return nil, nil
	}
	var a arrival
	known := false
	for b = b[unix.NLMSG_HDRLEN+nl.SizeofNfgenmsg:]; len(b) >= unix.NLA_HDRLEN; {
		length := int(ne.Uint16(b))
		if length < unix.NLA_HDRLEN || length > len(b) {
			return nil, errors.New("a message from the kernel is truncated")
		}
		value := b[unix.NLA_HDRLEN:length]
		switch kind := ne.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER); {
		case kind == nfqaPacketHdr && len(value) >= 7:
			a.id, a.hook, known = be.Uint32(value), value[6], true
		case kind == nfqaTimestamp && len(value) >= 16:
			// The time is cut to a whole microsecond; assume the end of it.
			a.at = time.Duration(be.Uint64(value))*time.Second +
				time.Duration(be.Uint64(value[8:])+1)*time.Microsecond
		case kind == nfqaPayload:
			a.data = value
		}
		b = b[min(len(b), aligned(length)):]
	}
	if !known {
		return nil, errors.New("a packet from the kernel has no ID")
	}
	return &a, nil
}

// aligned returns where the attribute after one of that length begins.
func aligned(length int) int { return (length + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1) }

// decide makes the kernel pass a packet, as data if that is not nil, or drop it. The verdict is
// sent by the next [netfilter.flush], or at once if many are waiting.
func (n *netfilter) decide(id uint32, v verdict, data []byte) error {
	ne, be := binary.NativeEndian, binary.BigEndian
	start := len(n.verdicts)
	b := ne.AppendUint32(n.verdicts, 0) // the length, known below
	b = ne.AppendUint16(b, unix.NFNL_SUBSYS_QUEUE<<8|nfqnlMsgVerdict)
	b = ne.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // sequence number and port
	b = append(b, unix.AF_UNSPEC, nl.NFNETLINK_V0)
	b = be.AppendUint16(b, Number)
	b = ne.AppendUint16(b, unix.NLA_HDRLEN+8)
	b = ne.AppendUint16(b, nfqaVerdictHdr)
	b = be.AppendUint32(b, uint32(v))
	b = be.AppendUint32(b, id)
	if data != nil {
		b = ne.AppendUint16(b, uint16(unix.NLA_HDRLEN+len(data)))
		b = ne.AppendUint16(b, nfqaPayload)
		b = append(b, data...)
		b = append(b, make([]byte, aligned(len(data))-len(data))...)
	}
	ne.PutUint32(b[start:], uint32(len(b)-start))
	n.verdicts = b
	if len(b) >= 64<<10 {
		return n.flush()
	}
	return nil
}

// flush sends the verdicts. The kernel carries them out in order before flush returns, and reports
// failures by messages.
func (n *netfilter) flush() error {
	if len(n.verdicts) == 0 {
		return nil
	}
	err := unix.Send(n.fd, n.verdicts, 0)
	n.verdicts = n.verdicts[:0]
	return os.NewSyscallError("send", err)
}

// stop ends a waiting read: it sends an empty request, and the kernel's answer is something to
// read.
func (n *netfilter) stop() error {
	_, err := n.configure()
	return err
}

// close unbinds the queue and drops the packets that wait in it.
func (n *netfilter) close() error {
	var err error
	if n.fd >= 0 {
		err = unix.Close(n.fd)
	}
	if n.in != nil {
		n.in.Close()
	}
	return err
}
