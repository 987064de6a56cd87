package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Uname returns the release of the running kernel and the name of the hardware, as uname -r and
// uname -m print them.
func Uname() (release, machine string, err error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return "", "", fmt.Errorf("reading the kernel's release: %w", err)
	}
	return unix.ByteSliceToString(uts.Release[:]), unix.ByteSliceToString(uts.Machine[:]), nil
}
