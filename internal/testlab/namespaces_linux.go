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

// labEnv names the test for which this process was started, in new namespaces.
const labEnv = "HALFOPEN_TEST_LAB"

// InLab is true in a process that is root in its own user, network, mount and PID namespaces, as
// network.Build requires. In any other process it runs the test again in such a process, adopts its
// verdict and is false: the test then has nothing more to do. env is added to the environment of
// the lab's process.
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
		Need(t, "CAP_SYS_ADMIN, or an unprivileged user namespace",
			fmt.Errorf("making namespaces for the test: %w", err))
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

// InLabBeside is InLab for a test whose lab may run beside others: it judges no times.
func InLabBeside(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(labEnv) != t.Name() {
		t.Parallel()
	}
	return InLab(t, env...)
}

// BuildsLab fails a test that is about to build a network in a process that [InLab] has not started: it
// would change the machine.
func BuildsLab(t *testing.T) {
	t.Helper()
	if os.Getenv(labEnv) == "" {
		t.Fatal("this test would build its network on the machine itself: it must call InLab first")
	}
}

// Namespaces returns the attributes of a process that is root in new namespaces: those in flags
// (CLONE_NEW*) and, if this process is not root, a user namespace. The process dies with the thread
// that started it. This is only a backstop, because the test waits for the process.
func Namespaces(flags uintptr) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return attr
}

// enterLab mounts a /proc with writable parameters, and a /run that ends with the process.
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
