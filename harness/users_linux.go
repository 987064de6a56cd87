package harness

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/moby/sys/user"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/sandbox"
	"halfopen/inject"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// otherIDs returns the user IDs that the lab of a scenario needs next to root; nil if it needs none, or
// has all.
func otherIDs(s *language.Scenario) (*sandbox.Subordinate, error) {
	users := s.Users()
	if len(users) == 0 {
		return nil, nil
	}
	ids, err := sandbox.FindSubordinate()
	if ids != nil {
		ids.NeededBy = asNeeded(&users[0])
	}
	return ids, neededBy(err, asNeeded(&users[0]))
}

func asNeeded(u *language.StepUser) string {
	return fmt.Sprintf("%s: user %s of step %s.%s", u.Pos, u.User, u.Actor, u.Step)
}

// findUsers looks the users of programs up, in the root directory of programs, and makes a home directory
// for each. The error is an *inject.MissingError if this machine, or the lab, does not have one.
func findUsers(s *language.Scenario) (map[string]*actor.User, error) {
	all := map[string]*actor.User{}
	for _, u := range s.Users() {
		found, err := findUser(u.User)
		if err != nil {
			return nil, neededBy(err, asNeeded(&u))
		}
		if err := found.makeHome(); err != nil {
			return nil, err
		}
		all[u.User] = (*actor.User)(found)
	}
	return all, nil
}

type labUser actor.User

func findUser(spec string) (*labUser, error) {
	if err := kernel.CheckUserCapabilities(); err != nil {
		return nil, err
	}
	const unknown = -1
	u, err := user.GetExecUserPath(spec, &user.ExecUser{Gid: unknown}, "/etc/passwd", "/etc/group")
	if err != nil {
		return nil, &inject.MissingError{
			Feature: "the user " + spec, Err: err,
			Remedy: "add it (adduser), place an /etc/passwd by files, or write a number from 1 to 2147483647",
		}
	}
	if u.Gid == unknown {
		u.Gid = u.Uid
	}
	for _, ids := range []struct {
		file, what, given string
		wanted            []int
	}{
		{"/proc/self/uid_map", "user ID", "/etc/subuid", []int{u.Uid}},
		{"/proc/self/gid_map", "group ID", "/etc/subgid", append([]int{u.Gid}, u.Sgids...)},
	} {
		maps, err := user.ParseIDMapFile(ids.file)
		if err != nil {
			return nil, fmt.Errorf("reading the IDs of the lab: %w", err)
		}
		for _, id := range ids.wanted {
			if !slices.ContainsFunc(maps, func(m user.IDMap) bool {
				return int64(id) >= m.ID && int64(id) < m.ID+m.Count
			}) {
				return nil, &inject.MissingError{
					Feature: fmt.Sprintf("the %s %d", ids.what, id), Is: "not one of the lab",
					Remedy: fmt.Sprintf("give your user more IDs in %s, or run as root", ids.given),
				}
			}
		}
	}
	name := spec
	if known, err := user.ParsePasswdFileFilter("/etc/passwd",
		func(p user.User) bool { return p.Uid == u.Uid }); err == nil && len(known) > 0 {
		name = known[0].Name
	}
	found := &labUser{
		Name: name, UID: uint32(u.Uid), GID: uint32(u.Gid),
		Home: sandbox.Home + "-" + strconv.Itoa(u.Uid),
	}
	for _, id := range u.Sgids {
		found.Groups = append(found.Groups, uint32(id))
	}
	return found, nil
}

// makeHome makes the home directory of a user. Two steps may name the same one.
func (u *labUser) makeHome() error {
	err := os.Mkdir(u.Home, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err == nil {
		err = os.Chown(u.Home, int(u.UID), int(u.GID))
	}
	if err != nil {
		return fmt.Errorf("making the home directory of user %s: %w", u.Name, err)
	}
	return nil
}
