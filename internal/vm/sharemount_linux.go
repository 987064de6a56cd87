package vm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// carrier is the name (argv[0]) of the guest's process that carries requests of its kernel to the
// machine.
const carrier = "halfopen-carrier"

// sharedAt is where the machine's files are mounted before they become the root of all processes.
const sharedAt = "/machine"

// mountShare makes the machine's files the root directory, with the guest's own /dev, /proc and
// /sys. After that, the files of the initramfs have no path.
func mountShare() error {
	device, err := windowAt()
	if err != nil {
		return err
	}
	fuse, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("opening FUSE: %w", err)
	}
	defer fuse.Close()
	memory, err := os.OpenFile(filepath.Join(device, "resource2"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	// It is a process of its own: while this one starts a program from these files, its runtime may
	// have no thread left that could read them.
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{carrier}
	cmd.ExtraFiles = []*os.File{fuse, memory}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", fuse.Fd())
	if err := unix.Mount("machine", sharedAt, "fuse", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mounting the machine's files: %w", err)
	}
	for _, dir := range unshared {
		if err := unix.Mount(dir, sharedAt+dir, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", dir, err)
		}
	}
	// As switch_root(8) does it: a root directory on top of the first one can be pivoted.
	return errors.Join(
		unix.Chdir(sharedAt), unix.Mount(".", "/", "", unix.MS_MOVE, ""), unix.Chroot("."), unix.Chdir("/"),
	)
}

// windowAt returns the directory of the window's device, and turns the device on.
func windowAt() (dir string, err error) {
	const vendor, device = "0x1af4", "0x1110" // QEMU's docs/specs/ivshmem-spec.txt
	find := func() (string, error) {
		devices, err := filepath.Glob("/sys/bus/pci/devices/*")
		if err != nil {
			return "", err
		}
		at := slices.IndexFunc(devices, func(dir string) bool { return attribute(dir, "vendor") == vendor && attribute(dir, "device") == device })
		if at < 0 {
			return "", errors.New("no device ivshmem-plain found")
		}
		return devices[at], nil
	}
	if dir, err = find(); err != nil {
		// In a restored guest it is new.
		if err := os.WriteFile("/sys/bus/pci/rescan", []byte("1"), 0); err != nil {
			return "", err
		}
		if dir, err = find(); err != nil {
			return "", err
		}
	}
	return dir, os.WriteFile(filepath.Join(dir, "enable"), []byte("1"), 0)
}

// carry does the work of the carrier: it passes requests of FUSE to the machine, and the answers back,
// until the file system is unmounted. Descriptor 3 is that of FUSE, 4 the memory of the window.
func carry() error {
	runtime.LockOSThread() // the permission for ports is that of a thread
	memory, err := unix.Mmap(4, 0, windowSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping the window: %w", err)
	}
	w := window(memory)
	request, answer := make([]byte, len(w.requestRoom())), make([]byte, len(w.answerRoom()))
	for turn := 0; ; turn++ {
		n, err := unix.Read(3, request)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOENT):
			turn-- // ENOENT: the request was interrupted before it was read
			continue
		case errors.Is(err, unix.ENODEV):
			return nil
		case err != nil:
			return fmt.Errorf("reading a request of FUSE: %w", err)
		}
		w.setRequest(copy(w.requestRoom(), request[:n]))
		if err := errors.Join(
			writePort(ringPort), writePort(holdPorts[turn%len(holdPorts)]),
		); err != nil {
			return err
		}
		// FUSE does not read from the memory of a device.
		if n := copy(answer, w.answer()); n > 0 {
			// ENOENT: the request was interrupted meanwhile.
			if _, err := unix.Write(3, answer[:n]); err != nil && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("answering a request of FUSE: %w", err)
			}
		}
	}
}
