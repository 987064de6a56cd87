package actor

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// runs makes a program that has not started run as the user; nil is root of the lab. The pipes become
// the user's, so that it may open /dev/stdout.
func (u *User) runs(cmd *exec.Cmd, pipes ...*os.File) error {
	if u == nil {
		return nil
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
	for _, p := range pipes {
		if err := p.Chown(int(u.UID), int(u.GID)); err != nil {
			return err
		}
	}
	return nil
}

// mayEnter reports whether the permissions of a directory, and of those above it, let the user have it
// as its working directory. If they cannot be read, whoever enters it says why.
func (u *User) mayEnter(dir string) bool {
	dir, err := filepath.EvalSymlinks(dir)
	for ; err == nil; dir = filepath.Dir(dir) {
		var st unix.Stat_t
		if err = unix.Stat(dir, &st); err != nil {
			break
		}
		search := uint32(unix.S_IXOTH)
		switch {
		case st.Uid == u.UID:
			search = unix.S_IXUSR
		case st.Gid == u.GID || slices.Contains(u.Groups, st.Gid):
			search = unix.S_IXGRP
		}
		if st.Mode&search == 0 {
			return false
		}
		if dir == "/" {
			break
		}
	}
	return true
}
