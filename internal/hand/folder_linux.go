package hand

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// folder is the folder of the sockets of a user. It is opened once, and its files are reached through
// the open folder: nobody can put another one in its place meanwhile, and its path may be long (the
// address of a socket has 108 bytes).
type folder struct{ *os.File }

// openFolder opens the folder of this user; with create, it makes the folder. Without it, the error is
// fs.ErrNotExist if there is none.
//
// It is in $XDG_RUNTIME_DIR, or in /tmp if there is no such folder of the user's own. The programs of
// labs have a /run and a /tmp of their own, so they seldom see the sockets; see also admit.
func openFolder(create bool) (*folder, error) {
	uid := os.Geteuid()
	path := "/tmp/halfopen-" + strconv.Itoa(uid)
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && owned(dir, uid) {
		path = filepath.Join(dir, "halfopen")
	}
	if create {
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("making the folder of labs: %w", err)
		}
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of labs: %w", &fs.PathError{Op: "open", Path: path, Err: err})
	}
	f := &folder{os.NewFile(uintptr(fd), path)}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		f.Close()
		return nil, fmt.Errorf("opening the folder of labs: %w", err)
	}
	if int(st.Uid) != uid || st.Mode&0o077 != 0 {
		f.Close()
		return nil, fmt.Errorf("opening the folder of labs: %s belongs to user %d and has mode %04o: want user %d and 0700; remove it",
			path, st.Uid, st.Mode&0o7777, uid)
	}
	return f, nil
}

// owned reports whether a folder is a user's own, and only that user's to change.
func owned(dir string, uid int) bool {
	var st unix.Stat_t
	return unix.Lstat(dir, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && int(st.Uid) == uid && st.Mode&0o022 == 0
}

// lockFolder opens the folder as openFolder does, and keeps other processes from adding and removing
// sockets until it is closed.
func lockFolder(create bool) (*folder, error) {
	for {
		f, err := openFolder(create)
		var path *fs.PathError
		if create && errors.As(err, &path) && path.Op == "open" && path.Err == unix.ENOENT {
			continue // it has been removed since it was made
		}
		if err != nil {
			return nil, err
		}
		for err = unix.EINTR; err == unix.EINTR; {
			err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		}
		if err == nil {
			var here, there os.FileInfo
			if here, err = f.Stat(); err == nil {
				there, err = os.Lstat(f.Name())
			}
			if err == nil && os.SameFile(here, there) {
				return f, nil
			}
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("locking the folder of labs: %w", err)
		}
		// The last process with labs has removed it meanwhile.
	}
}

// path is a path by which the kernel finds a file of the folder.
func (f *folder) path(name string) string { return fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), name) }

// sockets returns the names of the sockets, which are numbers, in their order.
func (f *folder) sockets() ([]string, error) {
	if _, err := f.Seek(0, 0); err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.Type()&fs.ModeSocket != 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var names []string
	for _, n := range numbers {
		names = append(names, strconv.Itoa(n))
	}
	return names, nil
}
