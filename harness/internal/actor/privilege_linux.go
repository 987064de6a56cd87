package actor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Programs and the evidence
//
// A program of the scenario has the user ID of the processes of the lab, which write what the run
// is judged by. The kernel lets a process look into another, and change it, only if it has all
// capabilities of the other or CAP_SYS_PTRACE (cap_ptrace_access_check in security/commoncap.c):
// by ptrace(2), process_vm_writev(2), pidfd_getfd(2) and the files fd, mem, ns and others of
// /proc/PID. So it takes one capability to keep programs away from the lab. Among themselves they
// are equal, so that strace and gdb of their own children work.

// withheld are the capabilities that a program may lack, in order of preference: the first that the
// lab has is enough. A container runtime may have withheld some of them from all.
var withheld = []struct {
	bit  uint
	name string
}{
	{unix.CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
	{unix.CAP_MKNOD, "CAP_MKNOD"},
	{unix.CAP_SETPCAP, "CAP_SETPCAP"},
}

// withhold keeps a capability from the programs that the calling thread starts from now on. The
// thread itself keeps it.
func withhold() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData // capabilities 0 to 31, and the others
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("reading the capabilities: %w", err)
	}
	for _, c := range withheld {
		set, bit := &sets[c.bit/32], uint32(1)<<(c.bit%32)
		if set.Permitted&bit == 0 {
			continue
		}
		// A program that root starts gets what is in the bounding set or inheritable.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c.bit), 0, 0, 0); err != nil {
			return fmt.Errorf("keeping %s from programs, which needs CAP_SETPCAP: %w", c.name, err)
		}
		set.Inheritable &^= bit
		if err := unix.Capset(&header, &sets[0]); err != nil {
			return fmt.Errorf("keeping %s from programs: %w", c.name, err)
		}
		return nil
	}
	return nil
}
