package sandbox

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"halfopen/inject"
	"halfopen/internal/kernel"
)

// Enter prepares the calling process, PID 1 of new namespaces, to be a lab. It makes the mounts
// private, mounts a new /proc with writable sysctls, and sets the host name. It must run before
// anything else looks at /proc. [Cover] comes next.
func Enter(hostname string) error {
	if pid := os.Getpid(); pid != 1 {
		return fmt.Errorf("entering the sandbox: process %d is not PID 1", pid)
	}
	// A process that has got its user ID only now has lost both: see [AwaitMaps]. If the caller is gone,
	// the process learns it from its pipes.
	if err := errors.Join(unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0),
		unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)); err != nil {
		return fmt.Errorf("setting the death signal of the lab: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return mountError("making the mounts private", err)
	}
	// Docker and others mount parts of /proc read-only or mask them. A new /proc shows the lab's
	// own namespaces in full.
	if err := unix.Mount("proc", "/proc", "proc",
		unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return mountError("mounting /proc", err)
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("setting the host name %s: %w", hostname, err)
	}
	return nil
}

// Cover puts an empty /run over the machine's, and a /dev/pts without its terminals. Programs of the
// scenario live elsewhere, see [Root].
func Cover() error {
	// iptables keeps its lock in /run.
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV,
		"mode=0755,size=16m"); err != nil {
		return mountError("mounting /run", err)
	}
	return mountTerminals("/dev/pts")
}

// mountTerminals mounts new pseudoterminals. /dev/ptmx opens those next to it. A machine without the
// folder has none.
func mountTerminals(path string) error {
	err := unix.Mount("devpts", path, "devpts", unix.MS_NOSUID|unix.MS_NOEXEC,
		"newinstance,ptmxmode=0666,mode=620")
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return mountError("mounting /dev/pts", err)
	}
	return nil
}

func mountError(what string, err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return &inject.MissingError{
		Feature:  "mount(2)",
		NeededBy: what,
		Remedy:   "allow it: in a container run with " + kernel.DockerFlags,
		Err:      err,
	}
}
