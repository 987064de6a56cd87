package fault

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/internal/testlab/malformed"
	"halfopen/scenarios/language"
)

// malformedFaults are faults of all kinds, on the wire and at a host. The host's kernel reassembles
// fragments first.
const malformedFaults = `
  again: {match: {tcp: any, retransmission: true}, do: {delay: 1ms}}
  text: {match: {payload: {contains: x, length: "> 2"}}, do: {delay: {by: 1ms, jitter: 1ms}}}
  numbers: {match: {tcp: any, seq: 0..9, options: {mss: true, sack: false}}, do: {reorder: 2}}
  corrupt: {via: nfqueue, do: {corrupt: {bytes: 2, offset: 1}}}
  fix: {via: nfqueue, do: {corrupt: {bytes: 1, checksum: fix}}}
  rewrite: {do: {rewrite: {window: 7, mss: 536, strip: [timestamps, sack-permitted, window-scale, mss, fast-open], ecn: ce, set: [ECE], clear: [PSH]}}}
  reset: {do: {reset: both}}
  twice: {via: nfqueue, do: {duplicate: 1}}
  replay: {every: 10, do: {replay: 5ms}}
  mtu: {do: {mtu: {size: 1400}}}
  reject: {via: nfqueue, every: 7, do: {reject: {}}}
  in-fix: {at: server.input, do: {corrupt: {bytes: 1, checksum: fix}}}
  in-rewrite: {at: server.input, do: {rewrite: {ttl: 9, window: 8}}}
  in-late: {at: server.input, do: {delay: 1ms}}
  in-reject: {at: server.input, via: nfqueue, every: 5, do: {reject: {}}}`

// Malformed packets of all sorts neither wedge a queue nor make it fail: a later connection through
// it works as usual.
func TestMalformedPacketsDoNotWedgeAQueue(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			r := rand.New(rand.NewPCG(newSeed(t), 2))
			l := newLabOf(t, f, malformedFaults)
			l.listen("server:7")
			var names []string
			for i := range l.plan.Faults {
				names = append(names, l.plan.Faults[i].Name)
				l.on(names[i])
			}
			send := l.frameSender(f)
			ends := [2]netip.Addr{l.addrs["client"][0], l.addrs["server"][0]}
			count := 0
			for _, p := range malformed.Packets() {
				if b := mend(p.Data, ends, f); b != nil {
					send(b)
					count++
				}
			}
			for n := range 3000 {
				s := randomSample(r, n, ends)
				s.side, s.from, s.to = 0, ends[0], ends[1]
				send(mend(mutate(r, s.bytes()), ends, f))
				count++
			}
			l.sendLong(f)
			if !l.eventually(func() bool { return l.hits("rewrite") > 1000 && l.hits("in-late") > 100 }) {
				t.Errorf("few packets were struck: %d on the wire, %d at the server", l.hits("rewrite"), l.hits("in-late"))
			}
			for _, name := range names {
				t.Logf("%s: %d hits", name, l.hits(name))
				l.off(name)
			}
			if err := l.connect("client", "server:7", patience); err != nil {
				t.Errorf("after %d malformed packets: connect: %v", count, err)
			}
			l.on("in-late")
			before := l.hits("in-late")
			if err := l.connect("client", "server:7", patience); err != nil || l.hits("in-late") == before {
				t.Errorf("with a fault again: connect: %v, %d hits", err, l.hits("in-late")-before)
			}
		})
	}
}

// mutate changes some bytes after the addresses, and lengths, or cuts the packet short.
func mutate(r *rand.Rand, b []byte) []byte {
	header := 20
	if b[0]>>4 == 6 {
		header = 40
	}
	for range r.IntN(6) {
		b[header+r.IntN(min(40, len(b)-header))] = []byte{0, 1, 2, 255, byte(r.Uint32())}[r.IntN(5)]
	}
	if r.IntN(4) == 0 {
		b = b[:header+r.IntN(len(b)-header)]
	}
	switch {
	case r.IntN(4) > 0:
	case header == 20:
		binary.BigEndian.PutUint16(b[6:], uint16(r.Uint32())&0x3fff) // a fragment
	default:
		b[6] = []byte{0, 43, 44, 51, 60, 59}[r.IntN(6)] // an extension header
	}
	return b
}

// mend repairs what a router checks, so that the packet is forwarded: lengths and checksum of the
// IP header, and addresses. It returns nil if the packet does not have a header of that version.
func mend(b []byte, ends [2]netip.Addr, f language.Family) []byte {
	b = slices.Clone(b)
	if f == language.V6 {
		if len(b) < 40 || b[0]>>4 != 6 {
			return nil
		}
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
		copy(b[8:], ends[0].AsSlice())
		copy(b[24:], ends[1].AsSlice())
		return b
	}
	if len(b) < 20 || b[0]>>4 != 4 {
		return nil
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	copy(b[12:], ends[0].AsSlice())
	copy(b[16:], ends[1].AsSlice())
	header := min(max(20, int(b[0]&15)*4), len(b)) &^ 1
	b[10], b[11] = 0, 0
	var sum uint32
	for i := 0; i < header; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum))
	return b
}

// frameSender returns a function that sends a packet from the client to the wire unchanged, even if
// the kernel would refuse it.
func (l *lab) frameSender(f language.Family) func(packet []byte) {
	l.t.Helper()
	to := &unix.SockaddrLinklayer{Halen: 6, Protocol: binary.NativeEndian.Uint16([]byte{8, 0})}
	if f == language.V6 {
		to.Protocol = binary.NativeEndian.Uint16([]byte{0x86, 0xdd})
	}
	l.do("wire", func() error {
		device, err := net.InterfaceByName("client")
		if err == nil {
			copy(to.Addr[:], device.HardwareAddr)
		}
		return err
	})
	fd := -1
	l.do("client", func() error {
		device, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		to.Ifindex = device.Index
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	l.t.Cleanup(func() { unix.Close(fd) })
	return func(packet []byte) {
		l.t.Helper()
		l.try(unix.Sendto(fd, packet, 0, to))
	}
}

// sendLong sends datagrams of 64 kB, in fragments.
func (l *lab) sendLong(f language.Family) {
	l.t.Helper()
	to, family := sockaddr(l.resolve("server:9"))
	l.do("client", func() error {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for range 20 {
			// Nobody listens, so the answer to one is the error of the next.
			if err := unix.Sendto(fd, make([]byte, 65_000), 0, to); err != nil && err != unix.ECONNREFUSED && err != unix.EMSGSIZE {
				return err
			}
		}
		return nil
	})
}
