package network

import (
	"fmt"
	"net"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

// ethtool asks a device for a value (SIOCETHTOOL).
func ethtool(device string, command uint32) (uint32, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	value := struct{ command, data uint32 }{command: command}
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:unix.IFNAMSIZ-1], device)
	request.data = unsafe.Pointer(&value)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return 0, errno
	}
	return value.data, nil
}

func TestOffloads(t *testing.T) {
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			n := build(t, language.Scenario{
				Network: language.Network{Offloads: on},
				Hosts:   []language.Host{{Name: "client"}, {Name: "server"}},
			}, language.V4)
			for _, host := range []string{"client", "server", "wire"} {
				for _, end := range n.Topology().LinkEnds(host) {
					// The commands that ask, in include/uapi/linux/ethtool.h. GRO of veth is off unless asked for.
					for name, command := range map[string]uint32{"tso": 0x1e, "gso": 0x23, "tx-checksum": 0x16, "gro": 0x2b} {
						var value uint32
						must(t, n, host, func() (err error) {
							value, err = ethtool(end.Device, command)
							return err
						})
						if got := value != 0; got != on && !(on && name == "gro") {
							t.Errorf("%s:%s: %s is on: %t, want %t", host, end.Device, name, got, on)
						}
					}
				}
			}
		})
	}
}

// A packet on the wire, with offloads off, is not longer than the MTU, and its checksum is right.
func TestAPacketOnTheWireIsAPacket(t *testing.T) {
	if !testlab.InLab(t) {
		return
	}
	n := build(t, labs[0].scenario, language.V4)
	// A socket on the wire sees what the client sends.
	var capture int
	must(t, n, "wire", func() (err error) {
		protocol := uint16(unix.ETH_P_IP>>8 | unix.ETH_P_IP<<8&0xff00)
		capture, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(protocol))
		if err != nil {
			return err
		}
		device, err := net.InterfaceByName("client")
		if err != nil {
			return err
		}
		return unix.Bind(capture, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: device.Index})
	})
	defer unix.Close(capture)
	listen(t, n, "server", 7)
	const length = 256 << 10
	must(t, n, "client", func() error {
		to, err := n.Topology().Resolve("server:7")
		if err != nil {
			return err
		}
		sa, family := sockaddr(to)
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Connect(fd, sa); err != nil {
			return err
		}
		// The server does not read: as much as its window takes is enough.
		_, err = unix.SendmsgN(fd, make([]byte, length), nil, nil, unix.MSG_DONTWAIT)
		return err
	})
	tv := unix.Timeval{Sec: 5}
	if err := unix.SetsockoptTimeval(capture, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1<<17)
	for seen := 0; seen < 10; seen++ {
		size, _, err := unix.Recvfrom(capture, buffer, 0)
		if err != nil {
			t.Fatalf("after %d packets: %v", seen, err)
		}
		packet := buffer[14:size]
		if len(packet) > 1500 {
			t.Errorf("a packet of %d bytes is on a wire with an MTU of 1500", len(packet))
		}
		if sum := tcpChecksum(packet); sum != 0xffff {
			t.Errorf("the checksum of a packet of %d bytes adds up to %#x, want 0xffff", len(packet), sum)
		}
	}
}

// tcpChecksum adds up a TCP segment in an IPv4 packet and its pseudo-header; 0xffff is right (RFC
// 1071).
func tcpChecksum(packet []byte) uint32 {
	header := int(packet[0]&15) * 4
	segment := packet[header : int(packet[2])<<8|int(packet[3])]
	sum := uint32(unix.IPPROTO_TCP) + uint32(len(segment))
	for _, part := range [][]byte{packet[12:20], segment} {
		for i, b := range part {
			if i%2 == 0 {
				sum += uint32(b) << 8
			} else {
				sum += uint32(b)
			}
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}
