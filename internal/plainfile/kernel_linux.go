package plainfile

import "golang.org/x/sys/unix"

// kernelSystems are file systems of which the kernel makes the contents of a file when it is read. The
// files look like regular ones, but a read may block (/proc/kmsg), consume what it returns
// (trace_pipe), or never end.
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

// kernelSystem returns the name of a file's file system if it is one of kernelSystems, else "". If the
// file system cannot be asked, the error of opening the file says why.
func kernelSystem(path string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return ""
	}
	return kernelSystems[uint32(s.Type)]
}
