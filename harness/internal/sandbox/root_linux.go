package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"halfopen/inject"
)

// Root is the root directory in which the programs of a lab live. It has the files of the machine,
// read-only, with these in their place:
//
//   - /tmp, /var/tmp, /run with [Home], and /dev/shm are empty and private. They use memory, each at
//     most half of the machine's.
//   - /dev has the devices that any program may use, and pseudoterminals of the lab.
//   - /proc shows the lab. Below /proc/sys only net can be written.
//
// The machine's mounts are not below these but gone: to unmount something shows nothing of the
// machine. Unix sockets elsewhere in its files can still be connected to.
type Root struct {
	// Shown are files and folders that stay visible although they are below a folder that is private,
	// such as the folder of the scenario in /tmp. They are absolute paths; those that do not exist
	// are left out.
	Shown []string
	// Writable are folders of the machine that programs may write to, as absolute paths.
	Writable []string
	// Files are placed last.
	Files []PlacedFile

	// splits are the folders that [Root.split] has replaced.
	splits []string
}

// Home is the home directory of programs in a [Root].
const Home = "/run/home"

// base is where the new root is put together: a folder of which it takes nothing.
const base = "/proc"

// private are the folders that a root does not take from the machine.
var private = []string{"/dev", "/proc", "/run", "/tmp", "/var/tmp"}

// mostRevealed bounds the files of a private folder that are shown. Each is a mount.
const mostRevealed = 500

// devices are the devices in a new root, if the machine has them. net/tun makes interfaces in the
// namespace of the program that opens it.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty", "net/tun"}

// fixed are the files of /proc, apart from sys, through which root changes the whole machine.
var fixed = []string{"bus", "fs", "irq", "sysrq-trigger"}

// Make makes the root, in a mount namespace of its own, after [Enter], and returns the namespace for
// [EnterRoot]. It calls check there. The lab itself stays where it is: what it runs, such as iptables,
// must be the machine's, whatever a scenario places in the root. An error that is an
// *inject.MissingError says why this machine does not allow it; it needs Linux 5.12.
func (r *Root) Make(check func() error) (namespace *os.File, err error) {
	err = onLostThread(func() error {
		// The thread gets a root directory and a working directory of its own, too.
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return mountError("making a mount namespace for programs", err)
		}
		if err := r.enter(); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		namespace, err = os.Open("/proc/thread-self/ns/mnt")
		return err
	})
	return namespace, err
}

// onLostThread calls f on a thread that ends with it, and is not the process's first: that one does not
// end with its goroutine.
func onLostThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onLostThread(f)
			runtime.UnlockOSThread()
			return
		}
		done <- f() // the thread is not unlocked
	}()
	return <-done
}

// EnterRoot moves the calling thread to a root that [Root.Make] has made, where hostname is the name of
// the machine. The thread must be locked to its goroutine, and never be unlocked.
func EnterRoot(namespace *os.File, hostname string) error {
	if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("separating the thread's host name: %w", err)
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("separating the thread's root directory: %w", err)
	}
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("entering the root directory of programs: %w", err)
	}
	return nil
}

// enter makes the root and moves the calling thread there, in a mount namespace of its own.
func (r *Root) enter() error {
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", base, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return mountError("mounting the root of the lab", err)
	}
	for _, e := range entries {
		if err := r.add(e); err != nil {
			return err
		}
	}
	for _, make := range []func() error{r.temporary, r.devices, r.proc} {
		if err := make(); err != nil {
			return err
		}
	}
	for _, path := range r.Shown {
		if err := reveal(path); err != nil {
			return err
		}
	}
	for _, path := range r.Writable {
		if err := open(path); err != nil {
			return err
		}
	}
	if err := r.place(r.Files); err != nil {
		return err
	}
	// Each mount by itself: what is mounted below keeps what it has.
	for _, dir := range append(r.splits, "") {
		if err := unix.MountSetattr(unix.AT_FDCWD, base+dir, 0,
			&unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
			return oldKernel("making "+dir+"/ read-only for programs", err)
		}
	}
	return moveIn()
}

// add adds an entry of the machine's root directory.
func (r *Root) add(e fs.DirEntry) error {
	path := "/" + e.Name()
	switch {
	case slices.Contains(private, path):
		return os.Mkdir(base+path, 0o755)
	case e.Type() == fs.ModeSymlink:
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return os.Symlink(to, base+path)
	case e.IsDir(), e.Type().IsRegular():
		return show(path, unix.MOUNT_ATTR_RDONLY)
	}
	return nil
}

// reveal shows a file or folder that is below a private one. Of a private folder itself, such as
// /tmp with a scenario in it, it shows the files: the folder stays private, and so do its sockets and
// the folders of others.
func reveal(path string) error {
	switch {
	case slices.Contains(private, path):
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, e := range entries[:min(len(entries), mostRevealed)] {
			if !e.Type().IsRegular() {
				continue
			}
			if err := show(filepath.Join(path, e.Name()), unix.MOUNT_ATTR_RDONLY); err != nil {
				return err
			}
		}
	case slices.ContainsFunc(private, func(dir string) bool { return below(path, dir) }):
		return show(path, unix.MOUNT_ATTR_RDONLY)
	}
	return nil
}

// show puts a file or folder of the machine at its place in the new root, with all mounts below it.
func show(path string, attributes uint64) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := placeFor(path, info.IsDir()); err != nil {
		return err
	}
	return clone(path, attributes|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
}

// open shows a folder for writing: where symbolic links lead to it, and at the path itself if that is in
// a private folder, without the links.
func open(path string) error {
	folder, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := show(folder, 0); err != nil {
		return err
	}
	if _, err := os.Lstat(base + path); err == nil {
		return nil
	}
	return show(path, 0)
}

// placeFor makes a folder or an empty file in the new root, to mount on.
func placeFor(path string, folder bool) error {
	if _, err := os.Lstat(base + path); err == nil {
		return nil
	}
	if folder {
		return os.MkdirAll(base+path, 0o755)
	}
	if err := os.MkdirAll(base+filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(base+path, nil, 0o644)
}

// clone mounts a file or folder of the machine, with all mounts below it, in the new root.
func clone(path string, attributes uint64) error {
	tree, err := copyTree(path, attributes)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	return attach(tree, base+path)
}

// copyTree copies the mounts of a file or folder, with all below it, to be attached elsewhere.
func copyTree(path string, attributes uint64) (tree int, err error) {
	return copyTreeAt(unix.AT_FDCWD, path, path, attributes)
}

// copyTreeAt copies the mounts of a path below an open folder, or those of an open file if path is "".
// name is for errors.
func copyTreeAt(dir int, path, name string, attributes uint64) (tree int, err error) {
	tree, err = unix.OpenTree(dir, path,
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, oldKernel("copying the mounts of "+name, err)
	}
	if attributes == 0 {
		return tree, nil
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE,
		&unix.MountAttr{Attr_set: attributes}); err != nil {
		unix.Close(tree)
		return -1, oldKernel("making "+name+" read-only for programs", err)
	}
	return tree, nil
}

func attach(tree int, path string) error {
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return mountError("mounting "+strings.TrimPrefix(path, base)+" in the lab", err)
	}
	return nil
}

// oldKernel adds what to do where the kernel is older than Linux 5.12.
func oldKernel(doing string, err error) error {
	if errors.Is(err, unix.ENOSYS) {
		return &inject.MissingError{
			Feature:  "mount_setattr(2)",
			NeededBy: doing,
			Remedy:   "use Linux 5.12 or newer (run --kernel)",
			Err:      err,
		}
	}
	return mountError(doing, err)
}

// temporary makes the folders for temporary files, each a file system.
func (r *Root) temporary() error {
	for _, dir := range []struct{ path, mode string }{
		{"/tmp", "1777"}, {"/var/tmp", "1777"}, {"/run", "0755"}, {"/dev/shm", "1777"},
	} {
		if info, err := os.Lstat(base + dir.path); dir.path == "/var/tmp" && (err != nil || !info.IsDir()) {
			continue // as in an image without it
		}
		if err := os.MkdirAll(base+dir.path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("tmpfs", base+dir.path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV,
			"mode="+dir.mode); err != nil {
			return mountError("mounting "+dir.path, err)
		}
	}
	return errors.Join(
		os.Mkdir(base+"/run/lock", 0o755), os.Chmod(base+"/run/lock", 0o777|fs.ModeSticky),
		os.Mkdir(base+Home, 0o700),
	)
}

// devices makes /dev.
func (r *Root) devices() error {
	for _, name := range devices {
		path := "/dev/" + name
		if _, err := os.Stat(path); err != nil {
			continue // as in an image with fewer
		}
		if err := placeFor(path, false); err != nil {
			return err
		}
		if err := clone(path, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx",
	} {
		if err := os.Symlink(to, base+"/dev/"+name); err != nil {
			return err
		}
	}
	if err := os.Mkdir(base+"/dev/pts", 0o755); err != nil {
		return err
	}
	if _, err := os.Stat("/dev/pts"); err != nil {
		return nil // a kernel without pseudoterminals
	}
	return mountTerminals(base + "/dev/pts")
}

// proc makes /proc, where only parameters of the network can be written.
func (r *Root) proc() error {
	const proc = base + "/proc"
	if err := unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return mountError("mounting /proc", err)
	}
	net, err := unix.OpenTree(unix.AT_FDCWD, proc+"/sys/net", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return oldKernel("copying the mount of /proc/sys/net", err)
	}
	defer unix.Close(net)
	for _, name := range append([]string{"sys"}, fixed...) {
		path := proc + "/" + name
		tree, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return mountError("copying the mount of /proc/"+name, err)
		}
		err = unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
		if err == nil {
			err = attach(tree, path)
		} else {
			err = oldKernel("making /proc/"+name+" read-only", err)
		}
		unix.Close(tree)
		if err != nil {
			return err
		}
	}
	return attach(net, proc+"/sys/net")
}

// pivotRoot is pivot_root(2), but for tests.
var pivotRoot = unix.PivotRoot

// moveIn makes base the root directory of the calling thread, alone in its mount namespace, and lets go
// of the old one.
func moveIn() error {
	if err := unix.Chdir(base); err != nil {
		return err
	}
	err := pivotRoot(".", ".")
	switch {
	case err == nil:
		if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
			return mountError("unmounting the machine's root", err)
		}
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EPERM):
		// The first root of a kernel, which a guest has, cannot be moved, and Docker's seccomp filter
		// does not allow the call, to CAP_SYS_ADMIN either. The new root is put over the old one, which
		// no path leads to then: also ".." of it is what is mounted there. A program can neither
		// unmount nor move it.
		if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
			return mountError("putting the root of the lab over the machine's", err)
		}
		if err := unix.Chroot("."); err != nil {
			// Docker's filter allows it to containers with the capability.
			return &inject.MissingError{
				Feature: "chroot(2)", NeededBy: "programs of a scenario", Err: err,
				Remedy: "allow it: in a container run with --cap-add SYS_CHROOT",
			}
		}
	default:
		return mountError("moving into the root of the lab", err)
	}
	return unix.Chdir("/")
}

// below reports whether path is in dir, or dir itself.
func below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
