package main

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pinned returns an error if this user cannot put another file in the place of one, although the user can
// write to both the file and its directory.
func pinned(path string, uid int) error {
	var file, dir unix.Statx_t
	for at, st := range map[string]*unix.Statx_t{path: &file, filepath.Dir(path): &dir} {
		if err := unix.Statx(unix.AT_FDCWD, at, 0, unix.STATX_BASIC_STATS, st); err != nil {
			return nil // by a filter of system calls: it will be seen in the end
		}
	}
	switch {
	case file.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0:
		return errors.New("no other file can take the place of one that is mounted: mount its directory")
	case dir.Mode&unix.S_ISVTX != 0 && uid != 0 && uint32(uid) != file.Uid && uint32(uid) != dir.Uid:
		return errors.New("the file is of another user, and its directory is sticky: choose another name")
	}
	return nil
}
