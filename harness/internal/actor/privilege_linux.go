package actor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Privileges of programs
//
// A program of the scenario has the user ID of the processes of the lab. It keeps the capabilities
// that servers and network tools need, over the namespaces of the lab, and no other.
//
// As root the others reach the whole machine: modules, raw disks, the clock, device nodes. Mounts
// do (devtmpfs has the machine's disks), and a handle of a file opens what the root directory hides.
//
// They also reach the lab's processes, which write what the run is judged by. The kernel lets a
// process look into another, and change it, only if it has all capabilities of the other or
// CAP_SYS_PTRACE (cap_ptrace_access_check in security/commoncap.c): by ptrace(2),
// process_vm_writev(2), pidfd_getfd(2) and the files fd, mem, ns and others of /proc/PID. The lab has
// CAP_SYS_ADMIN, or it could not have been made. Among themselves programs are equal, so that strace
// and gdb of their own children work.

// kept are the capabilities that programs keep: those of a container of runc, without CAP_MKNOD, and
// those over the lab's network and over a program's own priority, limits and locked memory.
var kept = []int{
	unix.CAP_AUDIT_WRITE, unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID,
	unix.CAP_IPC_LOCK, unix.CAP_KILL, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE,
	unix.CAP_NET_BROADCAST, unix.CAP_NET_RAW, unix.CAP_SETFCAP, unix.CAP_SETGID, unix.CAP_SETPCAP,
	unix.CAP_SETUID, unix.CAP_SYS_CHROOT, unix.CAP_SYS_NICE, unix.CAP_SYS_RESOURCE,
}

// withhold keeps all other capabilities from the programs that the calling thread starts from now
// on, and the privileges of set-user-ID files and file capabilities (no_new_privs). The thread
// itself keeps its capabilities.
func withhold() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	var keep [2]uint32
	for _, c := range kept {
		keep[c/32] |= 1 << (c % 32)
	}
	// A program that root starts gets what is in the bounding set or inheritable.
	for c := 0; ; c++ {
		there, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0)
		if err == unix.EINVAL {
			break // the kernel has no more
		}
		if err != nil {
			return fmt.Errorf("reading the bounding set of capabilities: %w", err)
		}
		if there == 0 || keep[c/32]&(1<<(c%32)) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
			return fmt.Errorf("keeping capability %d from programs, which needs CAP_SETPCAP: %w", c, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData // capabilities 0 to 31, and the others
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("reading the capabilities: %w", err)
	}
	for i := range sets {
		sets[i].Inheritable &= keep[i]
	}
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("keeping capabilities from programs: %w", err)
	}
	return nil
}
