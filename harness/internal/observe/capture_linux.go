package observe

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/internal/mmsg"
	"halfopen/internal/packet"
)

const (
	// batchSize is the largest number of packets that one system call reads.
	batchSize = 64
	// mostHeaders is how many bytes of a packet are read if only its headers are kept.
	mostHeaders = 512
	// buffered is the size in bytes of a device's receive buffer: enough for some 300 000 small
	// packets. The kernel allocates it as needed.
	buffered = 256 << 20
	// share is the part of the machine's memory that all receive buffers together may take: one in
	// share bytes. A guest has little memory.
	share = 4
)

// capture reads packets from one AF_PACKET socket per device, in one goroutine that sleeps while
// there are no packets.
type capture struct {
	clock trace.Clock
	wall  *wallClock
	emit  func(trace.Event)
	// wake is called with the index of a host that had packets.
	wake  func(host int)
	links []*link
	// held holds the links' sockets.
	held  holder
	batch *mmsg.Batch
	// headers is set if only the headers of packets are kept.
	headers bool

	// epoll has the links' sockets and event. The runtime's poller waits for it: a thread in
	// epoll_wait(2) would keep one of the runtime's processors until its monitor looks.
	epoll *os.File
	// event wakes the goroutine to end it.
	event int
	done  chan error
}

// link is one end of a link and its packet socket.
type link struct {
	*trace.LinkEnd
	index int
	// ifindex is the device's index in its namespace.
	ifindex int
	fd      int
	// buffer is the size in bytes of its receive buffer.
	buffer int
}

// bufferSize returns the size in bytes of the receive buffer of each device.
func bufferSize(hosts []Host) int {
	devices := 0
	for _, h := range hosts {
		devices += len(h.Devices)
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return buffered
	}
	return bufferOf(uint64(info.Totalram)*uint64(info.Unit), devices)
}

// bufferOf returns the size of each buffer on a machine with that many bytes of memory.
func bufferOf(memory uint64, devices int) int {
	return int(min(buffered, memory/share/uint64(max(devices, 1))))
}

func newCapture(
	hosts []Host, snaplen int, clock trace.Clock, emit func(trace.Event), wake func(int),
) (_ *capture, err error) {
	c := &capture{
		clock: clock, wall: newWallClock(clock), emit: emit, wake: wake, headers: snaplen == 0,
		held: notHeld, event: -1,
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.batch, err = mmsg.New(batchSize, cmp.Or(snaplen, mostHeaders)); err != nil {
		return nil, err
	}
	if c.epoll, err = openEpoll(); err != nil {
		return nil, err
	}
	if c.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	if err := c.watch(c.event, -1); err != nil {
		return nil, err
	}
	buffer := bufferSize(hosts)
	for i, h := range hosts {
		for _, device := range h.Devices {
			l := &link{
				LinkEnd: &trace.LinkEnd{Host: h.Name, Device: device}, index: i, fd: -1, buffer: buffer,
			}
			if err := h.NS.Do(l.open); err != nil {
				return nil, fmt.Errorf("capturing on %s of %s: %w", device, h.Name, err)
			}
			c.links = append(c.links, l)
			if err := c.watch(l.fd, int32(len(c.links)-1)); err != nil {
				return nil, err
			}
		}
	}
	if len(c.links) == 0 {
		return c, nil
	}
	stamped, err := awaitTimestamps(hosts)
	if err != nil {
		return nil, err
	}
	if !stamped {
		emit(trace.Event{T: clock.Now(), Note: &trace.Note{
			Text: "the kernel may not timestamp packets yet; the first packets may have a late time, that of their reading",
		}})
	}
	for _, l := range c.links {
		addr := unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: l.ifindex}
		if err := unix.Bind(l.fd, &addr); err != nil {
			return nil, fmt.Errorf("capturing on %s of %s: %w",
				l.Device, l.Host, os.NewSyscallError("bind", err))
		}
	}
	c.held = hold(c.sockets())
	return c, nil
}

// sockets returns the sockets that are open.
func (c *capture) sockets() []int {
	var fds []int
	for _, l := range c.links {
		if l.fd >= 0 {
			fds = append(fds, l.fd)
		}
	}
	return fds
}

// watch adds a file descriptor to the epoll set. Its events carry which.
func (c *capture) watch(fd int, which int32) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: which}
	return os.NewSyscallError("epoll_ctl",
		unix.EpollCtl(int(c.epoll.Fd()), unix.EPOLL_CTL_ADD, fd, &event))
}

// openEpoll makes an epoll set for which the runtime's poller can wait.
func openEpoll() (*os.File, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	// The runtime polls a descriptor that says that it does not block.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd) // it is empty
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "epoll"), nil
}

// await waits for events and returns those that there are.
func (c *capture) await(events []unix.EpollEvent) ([]unix.EpollEvent, error) {
	conn, err := c.epoll.SyscallConn()
	if err != nil {
		return nil, err
	}
	n := 0
	var waitErr error
	err = conn.Read(func(fd uintptr) bool {
		for {
			n, waitErr = unix.EpollWait(int(fd), events, 0)
			if waitErr != unix.EINTR {
				return n != 0
			}
		}
	})
	if waitErr != nil {
		err = os.NewSyscallError("epoll_wait", waitErr)
	}
	return events[:max(n, 0)], err
}

// open makes the packet socket. It must run in the host's namespace. The socket sees no packets
// until it is bound.
func (l *link) open() (err error) {
	device, err := net.InterfaceByName(l.Device)
	if err != nil {
		return err
	}
	l.ifindex = device.Index
	l.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	// A buffer that is too small loses packets. stop reports how many.
	if err := mmsg.Enlarge(l.fd, l.buffer); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return os.NewSyscallError("setsockopt SO_TIMESTAMPNS", err)
	}
	if device.Flags&net.FlagLoopback != 0 {
		if err := onlyOutgoing(l.fd); err != nil {
			return err
		}
	}
	return nil
}

// onlyOutgoing limits a packet socket to packets that are sent: on lo each packet is seen twice,
// sent and received.
func onlyOutgoing(fd int) error {
	const packetType = 0xfffff000 + 4 // SKF_AD_OFF + SKF_AD_PKTTYPE of linux/filter.h
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: packetType},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.PACKET_OUTGOING, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return os.NewSyscallError("setsockopt SO_ATTACH_FILTER",
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program))
}

func htons(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

func (c *capture) start() {
	c.done = make(chan error, 1)
	go func() { c.done <- c.run() }()
}

// run reads packets until the eventfd says stop, then empties the sockets.
func (c *capture) run() error {
	events := make([]unix.EpollEvent, len(c.links)+1)
	for {
		ready, err := c.await(events)
		if err != nil {
			return err
		}
		for _, e := range ready {
			if e.Fd < 0 {
				return c.drain()
			}
			if _, err := c.read(c.links[e.Fd]); err != nil {
				return err
			}
		}
	}
}

// drain reads the packets that are left in the sockets' buffers. On a link that is never quiet, it
// stops at packets that are newer than its own start.
func (c *capture) drain() error {
	now := c.clock.Now()
	for _, l := range c.links {
		for {
			last, err := c.read(l)
			if err != nil {
				return err
			}
			if last == 0 || last > now {
				break
			}
		}
	}
	return nil
}

// read emits one batch of packets and returns the time of the last, or 0 without packets.
func (c *capture) read(l *link) (last time.Duration, err error) {
	n, err := c.batch.Receive(l.fd)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, nil
	case errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		// The device is down or gone, as in a partition. The kernel binds the socket again when the
		// device is back up.
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("reading packets on %s of %s: %w",
			l.Device, l.Host, os.NewSyscallError("recvmmsg", err))
	}
	c.wake(l.index)
	c.wall.batch()

	size := 0
	var kept [batchSize][]byte
	for i := range n {
		kept[i] = c.frame(i)
		size += len(kept[i])
	}
	// One allocation per batch: its packets are sent on together.
	frames, packets := make([]byte, 0, size), make([]trace.Packet, n)
	for i := range n {
		start := len(frames)
		frames = append(frames, kept[i]...)
		p := &packets[i]
		p.LinkEnd, p.Out = l.LinkEnd, c.batch.From(i).Pkttype == unix.PACKET_OUTGOING
		p.Frame = frames[start:len(frames):len(frames)]
		p.Length = c.batch.Length(i)
		if sec, nsec, ok := parseTimestamp(c.batch.Control(i)); ok {
			last = c.wall.time(sec, nsec)
		} else {
			last = c.clock.Now()
		}
		c.emit(trace.Event{T: last, Packet: p})
	}
	return last, nil
}

// frame returns the part that is kept of packet i of the batch.
func (c *capture) frame(i int) []byte {
	frame := c.batch.Message(i)
	if c.headers {
		frame = frame[:packet.HeadersLength(frame)]
	}
	return frame
}

func (c *capture) note(format string, args ...any) {
	c.emit(trace.Event{
		T: c.clock.Now(), Note: &trace.Note{Text: fmt.Sprintf(format, args...), Untrue: true},
	})
}

// stop ends the goroutine after it has emitted the buffered packets, and emits a note about losses.
func (c *capture) stop() error {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	if _, err := unix.Write(c.event, one[:]); err != nil {
		return os.NewSyscallError("write eventfd", err)
	}
	err := <-c.done
	for _, l := range c.links {
		stats, statsErr := unix.GetsockoptTpacketStats(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if statsErr != nil {
			err = errors.Join(err, os.NewSyscallError("getsockopt PACKET_STATISTICS", statsErr))
			continue
		}
		if stats.Drops > 0 {
			c.note("%d of %d packets on %s of %s were lost by the capture, not by the lab",
				stats.Drops, stats.Packets, l.Device, l.Host)
		}
	}
	return err
}

// close closes the sockets. The goroutine must have been stopped, or never started.
func (c *capture) close() {
	if c.batch != nil {
		c.batch.Close()
		c.batch = nil
	}
	c.held.release(c.sockets())
	c.held = notHeld
	for _, l := range c.links {
		l.fd = -1
	}
	if c.event >= 0 {
		_ = unix.Close(c.event) // nothing is lost with it
		c.event = -1
	}
	if c.epoll != nil {
		_ = c.epoll.Close() // nor with this
		c.epoll = nil
	}
}

func (l *link) close() {
	if l.fd >= 0 {
		_ = unix.Close(l.fd) // its packets have been read
		l.fd = -1
	}
}
