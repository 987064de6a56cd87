package testlab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// labEnv names the test that this process was started for, in namespaces of its own.
const labEnv = "HALFOPEN_TEST_LAB"

// InLab is true in a process that is root in user, network, mount and PID namespaces of its own, which
// is what network.Build wants to be called in. Elsewhere it runs the test again in such a process,
// takes over its verdict, and is false: the test has nothing more to do. The environment of the lab's
// process has env added.
func InLab(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(labEnv) == t.Name() {
		enterLab(t)
		return true
	}
	Long(t)
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.Command("/proc/self/exe", "-test.run="+pattern, "-test.v", "-test.timeout=2m")
	cmd.Env = append(append(os.Environ(), labEnv+"="+t.Name()), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = Namespaces(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID)
	if err := cmd.Start(); err != nil {
		Need(t, "CAP_SYS_ADMIN, or an unprivileged user namespace", fmt.Errorf("making namespaces for the test: %w", err))
	}
	err := cmd.Wait()
	switch text := out.String(); {
	case err != nil:
		t.Fatalf("in its lab: %v\n%s", err, text)
	case strings.Contains(text, "--- SKIP: "+t.Name()+" "):
		t.Skipf("in its lab:\n%s", text)
	case !strings.Contains(text, "--- PASS: "+t.Name()+" "):
		t.Fatalf("in its lab the test did not run:\n%s", text)
	default:
		t.Log(text)
	}
	return false
}

// Namespaces returns the attributes of a process that is root in new namespaces, those of flags
// (CLONE_NEW*) and, where this process is not root, a user namespace. The process dies with the thread
// that started it: a backstop, for the test waits for it.
func Namespaces(flags uintptr) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return attr
}

// enterLab gives the process a /proc whose parameters can be written, and a /run that ends with it.
func enterLab(t *testing.T) {
	t.Helper()
	for _, err := range []error{
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("proc", "/proc", "proc", 0, ""),
		unix.Mount("tmpfs", "/run", "tmpfs", 0, ""),
	} {
		Need(t, "mount(2)", err)
	}
}
