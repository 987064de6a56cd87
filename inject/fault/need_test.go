package fault

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"halfopen/internal/kernel"
)

// labEnv names the test that this process was started for, in namespaces of its own.
const labEnv = "HALFOPEN_TEST_LAB"

// inLab is true in a process that is root in user, network, mount and PID namespaces of its own, which is what network.Build wants
// to be called in. Elsewhere it runs the test again in such a process, takes over its verdict, and is false: the test has
// nothing more to do. Where this machine cannot make the namespaces the test is skipped; with HALFOPEN_CI=1 it fails.
// The lab's process has env besides.
func inLab(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(labEnv) == t.Name() {
		enterLab(t)
		return true
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.Command("/proc/self/exe", "-test.run="+pattern, "-test.v", "-test.timeout=2m")
	cmd.Env = append(append(os.Environ(), labEnv+"="+t.Name()), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL, // a backstop: the test waits for it
	}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		lacking(t, "CAP_SYS_ADMIN, or an unprivileged user namespace", fmt.Errorf("making namespaces for the test: %w", err))
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

// lacking ends a test that needs what this machine does not have.
func lacking(t *testing.T, what string, err error) {
	t.Helper()
	var missing *kernel.MissingError
	refused := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOSPC) ||
		errors.Is(err, exec.ErrNotFound) || errors.As(err, &missing)
	if refused && os.Getenv("HALFOPEN_CI") != "1" {
		t.Skipf("%s is not available here: %v", what, err)
	}
	t.Fatalf("%s: %v", what, err)
}

// enterLab gives the process a /proc whose parameters can be written, and a /run that ends with it.
func enterLab(t *testing.T) {
	t.Helper()
	for _, err := range []error{
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("proc", "/proc", "proc", 0, ""),
		unix.Mount("tmpfs", "/run", "tmpfs", 0, ""),
	} {
		if err != nil {
			lacking(t, "mount(2)", err)
		}
	}
}
