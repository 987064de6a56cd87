package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"halfopen/inject"

	"golang.org/x/sys/unix"
)

// ExplainClone explains why the kernel refused new namespaces to a process of the user uid: it
// returns a *[inject.MissingError] with the remedy. An error that is not a refusal is only wrapped.
func ExplainClone(err error, uid int) error {
	return explainClone(err, uid, os.ReadFile)
}

func explainClone(err error, uid int, read func(string) ([]byte, error)) error {
	refused := errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) ||
		errors.Is(err, unix.EACCES) || errors.Is(err, unix.EINVAL)
	if !refused {
		return ExplainScarcity(fmt.Errorf("starting the lab: %w", err))
	}
	m := &inject.MissingError{NeededBy: "every lab", Err: err}
	if uid == 0 {
		// CheckCapabilities has checked its capabilities before.
		m.Feature = "clone(2) with new namespaces"
		m.Remedy = "something other than capabilities forbids it, such as a seccomp profile: in " +
			"a container, run it with: docker run " +
			DockerFlags + " --security-opt seccomp=unconfined"
		if errors.Is(err, unix.ENOSPC) {
			m.Remedy = tooMany
		}
		return m
	}
	m.Feature = "an unprivileged user namespace"
	is := func(name, value string) bool {
		text, err := read("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
		return err == nil && strings.TrimSpace(string(text)) == value
	}
	set := func(name, value string) string {
		return fmt.Sprintf("run as root, or allow it: sudo sysctl -w %s=%s", name, value)
	}
	switch {
	case is("user.max_user_namespaces", "0"):
		m.Remedy = set("user.max_user_namespaces", "15000")
	case is("kernel.unprivileged_userns_clone", "0"):
		m.Remedy = set("kernel.unprivileged_userns_clone", "1")
	case is("kernel.apparmor_restrict_unprivileged_userns", "1"):
		m.Remedy = set("kernel.apparmor_restrict_unprivileged_userns", "0")
	case errors.Is(err, unix.ENOSPC):
		m.Remedy = tooMany
	default:
		m.Remedy = "run as root; in a container, run it with: docker run " + DockerFlags +
			" --security-opt seccomp=unconfined"
	}
	return m
}

const tooMany = "too many namespaces are in use: wait for other labs to end, or raise user.max_net_namespaces and the similar limits"
