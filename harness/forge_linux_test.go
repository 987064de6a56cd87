package harness_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"halfopen/internal/testlab"
)

const (
	// forgerEnv makes the test binary a program that tries to forge the run of its scenario.
	forgerEnv = "HALFOPEN_TEST_FORGER"
	// ordinaryEnv is set in a test that an ordinary user runs again.
	ordinaryEnv = "HALFOPEN_TEST_ORDINARY"
)

// TestProgramsCannotForgeTheRun runs a program that tries to write into the pipes and the memory of
// the lab's processes: as the user of the test and, if that is root, as an ordinary one.
func TestProgramsCannotForgeTheRun(t *testing.T) {
	needLab(t)
	if os.Geteuid() == 0 && os.Getenv(ordinaryEnv) == "" {
		t.Run("as an ordinary user", func(t *testing.T) {
			asOrdinaryUser(t, copyOfTest(t), "TestProgramsCannotForgeTheRun")
		})
		t.Run("as an ordinary user with tracepoints", func(t *testing.T) {
			asOrdinaryUser(t, mayTrace(t, copyOfTest(t)), "TestProgramsCannotForgeTheRun")
		})
	}
	runs(t, fmt.Sprintf(`
name: forge
title: A program cannot write into the run
hosts: {client: {}, server: {}}
actors:
  server: [{listen: 80}, accept, {wait: client.exec}]
  client:
    - connect: "server:80"
    - exec: "%s=1 %s"
    - exec: "unshare --user --map-root-user env %s=in-namespace %s"
expect:
  - {process: client.exec, exit: 0, stdout: {contains: tried all}}
  - {process: client.exec2, exit: 0, stdout: {contains: tried all}}
  - {packets: {from: client, tcp: SYN}, count: 1}
`, forgerEnv, copyOfTest(t), forgerEnv, copyOfTest(t)))
}

// asOrdinaryUser runs a test again, of a copy of the test binary.
func asOrdinaryUser(t *testing.T, program, test string) {
	t.Helper()
	const nobody = 65534
	again := exec.Command(program, "-test.run=^"+test+"$", "-test.v")
	again.Env = append(os.Environ(), ordinaryEnv+"=1", "TMPDIR=/tmp")
	again.Dir = "/"
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := again.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		testlab.Need(t, "labs of ordinary users", errors.New(string(out)))
	}
}

// mayTrace gives a program CAP_BPF and CAP_PERFMON, as setcap cap_bpf,cap_perfmon+ep does.
func mayTrace(t *testing.T, program string) string {
	t.Helper()
	// struct vfs_cap_data of linux/capability.h; both capabilities are in the high words.
	data := make([]byte, 0, 20)
	for _, word := range []uint32{
		0x02000001, 0, 0, 1<<(unix.CAP_BPF-32) | 1<<(unix.CAP_PERFMON-32), 0,
	} {
		data = binary.LittleEndian.AppendUint32(data, word)
	}
	testlab.Need(t, "file capabilities", unix.Setxattr(program, "security.capability", data, 0))
	return program
}

// copyOfTest copies the test binary to a place where every user can run it.
func copyOfTest(t *testing.T) string {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	dir, err := os.MkdirTemp("", "forge")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	to, err := os.OpenFile(filepath.Join(dir, "forger"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close(), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// roads are the ways into another process. Each returns nil if the kernel lets it in.
var roads = []struct {
	name string
	try  func(pid int) error
}{
	{"its descriptors", func(pid int) error {
		return forEachDescriptor(func(fd int) error {
			f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", pid, fd), os.O_WRONLY, 0)
			if err == nil {
				f.Close()
			}
			return err
		})
	}},
	{"copies of its descriptors", func(pid int) error {
		pidfd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			return err
		}
		defer unix.Close(pidfd)
		return forEachDescriptor(func(fd int) error {
			got, err := unix.PidfdGetfd(pidfd, fd, 0)
			if err == nil {
				unix.Close(got)
			}
			return err
		})
	}},
	{"its memory as a file", func(pid int) error {
		f, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"its memory", func(pid int) error {
		b := []byte{0}
		local := []unix.Iovec{{Base: &b[0], Len: 1}}
		_, err := unix.ProcessVMWritev(pid, local, []unix.RemoteIovec{{Base: 1, Len: 1}}, 0)
		if errors.Is(err, unix.EFAULT) {
			return nil // let in, and nothing is mapped there
		}
		return err
	}},
	{"ptrace", func(pid int) error {
		if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, 0, 0, 0); errno != 0 {
			return errno
		}
		return nil // the tracer's end lets it go
	}},
	{"its namespaces", func(pid int) error {
		f, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err == nil {
			f.Close()
		}
		return err
	}},
}

// forEachDescriptor returns nil if try succeeds for one of the first descriptors.
func forEachDescriptor(try func(fd int) error) error {
	var errs []error
	for fd := range 16 {
		err := try(fd)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// forge tries all roads into all processes of the lab: none may be open. The same roads into a
// child of its own must all be.
func forge(inNamespace bool) error {
	lab, err := labProcesses()
	if err != nil {
		return err
	}
	if len(lab) < 3 {
		return fmt.Errorf("found the processes %v, want the lab's and two actors'", lab)
	}
	var errs []error
	for _, pid := range lab {
		for _, road := range roads {
			if road.try(pid) == nil {
				errs = append(errs, fmt.Errorf("process %d: %s: let in", pid, road.name))
			}
		}
	}
	child := exec.Command("sleep", "60")
	stdin, err := child.StdinPipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		return err
	}
	for _, road := range roads {
		if err := road.try(child.Process.Pid); err != nil {
			errs = append(errs, fmt.Errorf("a child of its own: %s: %w", road.name, err))
		}
	}
	if !inNamespace {
		if err := regain(); err == nil {
			errs = append(errs, errors.New("the capability came back"))
		}
	}
	return errors.Join(errs...)
}

// labProcesses returns the lab's own processes, which have its names.
func labProcesses() ([]int, error) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var lab []int
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil &&
			strings.HasPrefix(string(name), "halfopen-") {
			lab = append(lab, pid)
		}
	}
	return lab, nil
}

// regain tries to add CAP_SYS_PTRACE to this process.
func regain() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return err
	}
	sets[0].Permitted |= 1 << unix.CAP_SYS_PTRACE
	sets[0].Effective |= 1 << unix.CAP_SYS_PTRACE
	_, _, errno := unix.Syscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets[0])), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
