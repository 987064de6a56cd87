package kernel

import (
	"errors"
	"io/fs"
	"testing"

	"halfopen/inject"

	"golang.org/x/sys/unix"
)

// files is the /proc of a test: texts by path.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: unix.ENOENT}
	}
	return []byte(text), nil
}

func TestExplainClone(t *testing.T) {
	const (
		user  = 1000
		flags = "--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add NET_RAW --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
	)
	maxUser := "/proc/sys/user/max_user_namespaces"
	for _, c := range []struct {
		name  string
		err   error
		uid   int
		files files
		want  string
		// other is set for an error that is not a refusal: it must not become a MissingError.
		other bool
	}{
		{
			name: "root where seccomp forbids it", err: unix.EPERM, files: files{},
			want: "clone(2) with new namespaces is not available here (needed by every lab): operation not permitted; something other than " +
				"capabilities forbids it, such as a seccomp profile: in a container, run it with: docker run " + flags + " --security-opt seccomp=unconfined",
		},
		{
			name: "root when all namespaces are in use", err: unix.ENOSPC, files: files{},
			want: "clone(2) with new namespaces is not available here (needed by every lab): no space left on device; " +
				"too many namespaces are in use: wait for other labs to end, or raise user.max_net_namespaces and the similar limits",
		},
		{
			name: "a kernel that allows no user namespace", err: unix.ENOSPC, uid: user, files: files{maxUser: "0\n"},
			want: "an unprivileged user namespace is not available here (needed by every lab): no space left on device; " +
				"run as root, or allow it: sudo sysctl -w user.max_user_namespaces=15000",
		},
		{
			name: "a Debian kernel that allows them to root only", err: unix.EPERM, uid: user,
			files: files{maxUser: "96365\n", "/proc/sys/kernel/unprivileged_userns_clone": "0\n"},
			want: "an unprivileged user namespace is not available here (needed by every lab): operation not permitted; " +
				"run as root, or allow it: sudo sysctl -w kernel.unprivileged_userns_clone=1",
		},
		{
			name: "an Ubuntu whose AppArmor restricts them", err: unix.EACCES, uid: user,
			files: files{
				maxUser: "96365\n", "/proc/sys/kernel/unprivileged_userns_clone": "1\n",
				"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n",
			},
			want: "an unprivileged user namespace is not available here (needed by every lab): permission denied; " +
				"run as root, or allow it: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
		},
		{
			name: "all namespaces in use", err: unix.ENOSPC, uid: user, files: files{maxUser: "96365\n"},
			want: "an unprivileged user namespace is not available here (needed by every lab): no space left on device; " +
				"too many namespaces are in use: wait for other labs to end, or raise user.max_net_namespaces and the similar limits",
		},
		{
			name: "a container run by an ordinary user", err: unix.EPERM, uid: user, files: files{maxUser: "96365\n"},
			want: "an unprivileged user namespace is not available here (needed by every lab): operation not permitted; " +
				"run as root; in a container, run it with: docker run " + flags + " --security-opt seccomp=unconfined",
		},
		{
			name: "a kernel without user namespaces", err: unix.EINVAL, uid: user, files: files{},
			want: "an unprivileged user namespace is not available here (needed by every lab): invalid argument; " +
				"run as root; in a container, run it with: docker run " + flags + " --security-opt seccomp=unconfined",
		},
		{name: "too many processes", err: unix.EAGAIN, uid: user, other: true, want: "starting the lab: resource temporarily unavailable; raise the limit of processes (ulimit -u, the pids limit of the container), or lower --jobs"},
		{name: "no memory", err: unix.ENOMEM, other: true, want: "starting the lab: cannot allocate memory; free memory, or lower --jobs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := explainClone(c.err, c.uid, c.files.read)
			if got := err.Error(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if !errors.Is(err, c.err) {
				t.Errorf("the errno %v cannot be reached", c.err)
			}
			var missing *inject.MissingError
			if errors.As(err, &missing) == c.other {
				t.Errorf("it is a inject.MissingError: %t", !c.other)
			}
		})
	}
}

func TestMissingError(t *testing.T) {
	for _, c := range []struct {
		name string
		err  inject.MissingError
		want string
	}{
		{"several features", inject.MissingError{Feature: "CAP_NET_ADMIN and CAP_NET_RAW"}, "CAP_NET_ADMIN and CAP_NET_RAW are not available here"},
		{"a feature of the kernel", inject.MissingError{Feature: "sch_netem", OfKernel: true, NeededBy: `fault "f"`, Remedy: "do"}, `sch_netem is not in this kernel (needed by fault "f"); do`},
		{"a feature alone", inject.MissingError{Feature: "sch_netem"}, "sch_netem is not available here"},
		{"and what needs it", inject.MissingError{Feature: "sch_netem", NeededBy: `fault "slow"`}, `sch_netem is not available here (needed by fault "slow")`},
		{"and the cause", inject.MissingError{Feature: "sch_netem", Err: unix.ENOENT}, "sch_netem is not available here: no such file or directory"},
		{"and the remedy", inject.MissingError{Feature: "sch_netem", Remedy: "load it"}, "sch_netem is not available here; load it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.err.Error(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := c.err.Unwrap(); got != c.err.Err {
				t.Errorf("Unwrap is %v", got)
			}
		})
	}
}
