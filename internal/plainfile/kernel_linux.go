package plainfile

import "golang.org/x/sys/unix"

// kernelSystems are the file systems whose files the kernel makes up when they are read. They look
// like regular files, but a read may block (/proc/kmsg), take something away (trace_pipe), or go on
// without end (/proc/kcore).
var kernelSystems = map[uint32]string{
	unix.PROC_SUPER_MAGIC:     "proc",
	unix.SYSFS_MAGIC:          "sysfs",
	unix.DEBUGFS_MAGIC:        "debugfs",
	unix.TRACEFS_MAGIC:        "tracefs",
	unix.SECURITYFS_MAGIC:     "securityfs",
	unix.CGROUP_SUPER_MAGIC:   "cgroup",
	unix.CGROUP2_SUPER_MAGIC:  "cgroup2",
	unix.BPF_FS_MAGIC:         "bpf",
	unix.PSTOREFS_MAGIC:       "pstore",
	unix.EFIVARFS_MAGIC:       "efivarfs",
	unix.SELINUX_MAGIC:        "selinuxfs",
	unix.SMACK_MAGIC:          "smackfs",
	unix.AAFS_MAGIC:           "apparmorfs",
	unix.RDTGROUP_SUPER_MAGIC: "resctrl",
	unix.BINFMTFS_MAGIC:       "binfmt_misc",
	unix.NSFS_MAGIC:           "nsfs",
	configfsMagic:             "configfs",
	mqueueMagic:               "mqueue",
}

// These are not in linux/magic.h, but in fs/configfs/mount.c and ipc/mqueue.c.
const (
	configfsMagic = 0x62656570
	mqueueMagic   = 0x19800202
)

// kernelSystem returns the name of the file system of a file if the kernel makes up what is in it,
// else "". If it cannot be found out, opening the file says why.
func kernelSystem(path string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return ""
	}
	return kernelSystems[uint32(s.Type)]
}
