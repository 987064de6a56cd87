package program

import (
	"os"

	"golang.org/x/sys/unix"
)

// newFile returns an empty file without a name, in memory.
func newFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "output"), nil
}
