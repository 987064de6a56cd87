package network

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ethtool commands that take one value (include/uapi/linux/ethtool.h), with their names in
// ethtool(8).
var offloads = []struct {
	command uint32
	name    string
}{
	{0x1f, "tso"},         // ETHTOOL_STSO
	{0x24, "gso"},         // ETHTOOL_SGSO
	{0x2c, "gro"},         // ETHTOOL_SGRO
	{0x17, "tx-checksum"}, // ETHTOOL_STXCSUM
}

// offloadsOff turns off the offloads that would merge packets into one frame, or leave a checksum
// to hardware that does not exist. It works on the namespace of the calling thread. lo keeps its
// checksum offload because it cannot compute checksums.
func offloadsOff(device string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket: %w", err)
	}
	defer unix.Close(fd)
	for _, o := range offloads {
		value := struct{ command, data uint32 }{command: o.command}
		var request struct {
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte // struct ifreq is 40 bytes
		}
		copy(request.name[:unix.IFNAMSIZ-1], device)
		request.data = unsafe.Pointer(&value)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL,
			uintptr(unsafe.Pointer(&request)))
		if errno != 0 && !(device == "lo" && errors.Is(errno, unix.EOPNOTSUPP)) {
			return fmt.Errorf("ethtool -K %s %s off: %w", device, o.name, errno)
		}
	}
	return nil
}
