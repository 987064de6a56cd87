package sandbox

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"halfopen/inject"
)

// Other users in the lab of an ordinary user
//
// In the user namespace of such a lab only one ID exists, 0, which is that user. More can be given by
// newuidmap(1) and newgidmap(1), which are set-user-ID root: those that the administrator has written
// into /etc/subuid and /etc/subgid for the user. The maps can be written only while the process of the
// lab is there, by another one. Until then it has no user ID in its namespace, and so no capabilities
// once it has executed this program. So the process waits for the maps and executes itself again.

// Subordinate are the IDs, apart from the own, that an ordinary user may use in a lab.
type Subordinate struct {
	uids, gids []user.SubID
	// NeededBy is who needs them, for errors.
	NeededBy string
}

// FindSubordinate returns the IDs of the user that this process runs as; nil for root, who may use
// all. An error that is an [inject.MissingError] says what this machine lacks.
func FindSubordinate() (*Subordinate, error) {
	if os.Geteuid() == 0 {
		return nil, nil
	}
	s := &Subordinate{}
	me := strconv.Itoa(os.Geteuid())
	names := []string{me}
	if u, err := osuser.LookupId(me); err == nil {
		names = append(names, u.Username)
	}
	for _, kind := range []struct {
		program, file string
		ids           *[]user.SubID
	}{{"newuidmap", "/etc/subuid", &s.uids}, {"newgidmap", "/etc/subgid", &s.gids}} {
		missing := &inject.MissingError{Feature: "a program of another user"}
		if _, err := exec.LookPath(kind.program); err != nil {
			missing.Remedy = "install " + kind.program + " (package uidmap or shadow-utils), or run as root"
			return nil, missing
		}
		ids, err := user.ParseSubIDFileFilter(kind.file, func(id user.SubID) bool {
			return (id.Name == names[0] || id.Name == names[len(names)-1]) && id.Count > 0
		})
		if err != nil || len(ids) == 0 {
			missing.Err = err
			missing.Remedy = fmt.Sprintf("give your user IDs in %s (\"sudo usermod --add-subuids "+
				"100000-165535 --add-subgids 100000-165535 %s\"), or run as root", kind.file, names[len(names)-1])
			return nil, missing
		}
		*kind.ids = ids
	}
	return s, nil
}

// write writes the maps of a new user namespace, of which a process is the first: root is the user that
// this process runs as, 1 and the next ones are the subordinate IDs, in their order.
func (s *Subordinate) write(pid int) error {
	for _, kind := range []struct {
		program string
		own     int
		ids     []user.SubID
	}{{"newuidmap", os.Geteuid(), s.uids}, {"newgidmap", os.Getegid(), s.gids}} {
		args := []string{strconv.Itoa(pid), "0", strconv.Itoa(kind.own), "1"}
		next := int64(1)
		for _, id := range kind.ids {
			args = append(args, fmt.Sprint(next), fmt.Sprint(id.SubID), fmt.Sprint(id.Count))
			next += id.Count
		}
		out, err := exec.Command(kind.program, args...).CombinedOutput()
		if err != nil {
			said, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			return &inject.MissingError{
				Feature: "a program of another user", NeededBy: s.NeededBy,
				Remedy: "let " + kind.program + " be set-user-ID root, or run as root",
				Err:    fmt.Errorf("%s: %w", cmp.Or(said, kind.program+" "+strings.Join(args, " ")), err),
			}
		}
	}
	return nil
}

// unmapped is the beginning of the name of a process that waits for the maps of its user namespace.
const unmapped = "halfopen-unmapped: "

// AwaitMaps waits, in a process whose user namespace gets its maps from outside, until something comes
// from the descriptor, which is sent when the maps are there, and executes the program again. It returns
// in any other process. The caller must be the first in its process to do anything.
func AwaitMaps(fd int) error {
	name, waits := strings.CutPrefix(os.Args[0], unmapped)
	if !waits {
		return nil
	}
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(ready, -1)
		if err == nil {
			return syscall.Exec("/proc/self/exe", []string{name}, os.Environ())
		}
		if err != unix.EINTR {
			return fmt.Errorf("waiting for the maps of the user namespace: %w", err)
		}
	}
}
