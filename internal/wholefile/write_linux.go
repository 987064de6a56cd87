package wholefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Create begins a file. It has no name until [File.Commit], so that the kernel takes it away if the
// process is killed; where the file system cannot do that, it has a temporary one.
func Create(path string, perm os.FileMode) (*File, error) {
	f, err := os.OpenFile(filepath.Dir(path), os.O_WRONLY|unix.O_TMPFILE, perm)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		return createNamed(path, perm) // a file system without O_TMPFILE, such as NFS
	}
	if err != nil {
		return nil, err
	}
	return &File{File: f, path: path}, nil
}

// link gives an open file without a name a name. Only a rename replaces a file that has it, so that a
// reader finds the old one or the new one.
func link(f *os.File, path string) error {
	fd := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	as := func(name string) error {
		return unix.Linkat(unix.AT_FDCWD, fd, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	}
	err := as(path)
	if errors.Is(err, unix.EEXIST) {
		temporary := temporaryName(path)
		if err = as(temporary); err == nil {
			if err = os.Rename(temporary, path); err != nil {
				_ = os.Remove(temporary)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("naming %s: %w", path, err)
	}
	return nil
}
