package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// rootEnv has the folder of a test of [Root], which is below /tmp.
const rootEnv = "HALFOPEN_TEST_ROOT"

// surroundings are what a process sees in a [Root].
type surroundings struct {
	// Writes has what writing to a file ends with, "" for success.
	Writes map[string]string
	// Text is what files have in them, or why they cannot be read.
	Text map[string]string
	// Dir is the working directory, Devices the names in /dev.
	Dir     string
	Devices []string
	// Unmounted has the processes that are seen once all mounts have been taken away that can be.
	Unmounted []string
}

func rootRole() (any, error) {
	dir := os.Getenv(rootEnv)
	root := &Root{
		Shown:    []string{filepath.Join(dir, "shown"), filepath.Join(dir, "absent"), "/etc"},
		Writable: []string{filepath.Join(dir, "writable")},
		Files: []PlacedFile{
			{Path: "/etc/hosts", Text: hostsFile, Mode: 0o644},
			{Path: "/etc/halfopen-placed", Text: "placed\n", Mode: 0o644},
		},
	}
	if err := errors.Join(Enter(hostname), root.enter()); err != nil {
		return nil, err
	}
	p := surroundings{Writes: map[string]string{}, Text: map[string]string{}, Devices: names("/dev")}
	var err error
	if p.Dir, err = os.Getwd(); err != nil {
		return nil, err
	}
	for _, path := range []string{
		"/halfopen-test", "/etc/halfopen-test", "/usr/halfopen-test", "/dev/halfopen-test", "/tmp/x", "/var/tmp/x", "/run/x", "/dev/shm/x",
		Home + "/x", "/dev/null", "/proc/sys/kernel/printk_ratelimit", "/proc/sys/net/ipv4/tcp_syn_retries",
		dir + "/shown/x", dir + "/writable/x",
	} {
		p.Writes[strings.Replace(path, dir, "DIR", 1)] = text(os.WriteFile(path, []byte("5"), 0o644))
	}
	for _, path := range []string{"/etc/hosts", "/etc/halfopen-placed", dir + "/shown/file", dir + "/hidden", dir + "/socket"} {
		content, err := os.ReadFile(path)
		if err != nil {
			content = []byte(text(err))
		}
		p.Text[strings.Replace(path, dir, "DIR", 1)] = string(content)
	}
	// Of the mounts of a process with more privileges nothing can be taken away.
	for _, path := range []string{
		"/proc/sys/net", "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/fs", "/proc/bus", "/proc", "/proc",
	} {
		_ = unix.Unmount(path, unix.MNT_DETACH)
	}
	for _, name := range names("/proc") {
		if _, err := strconv.Atoi(name); err == nil {
			p.Unmounted = append(p.Unmounted, name)
		}
	}
	return p, nil
}

// rootInDockerRole is as where pivot_root(2) is not allowed. A program that leaves its root directory by
// chroot(2) is still in it.
func rootInDockerRole() (any, error) {
	pivotRoot = func(string, string) error { return unix.EPERM }
	got, err := rootRole()
	if err != nil {
		return got, err
	}
	err = errors.Join(os.Mkdir("/tmp/d", 0o700), unix.Chroot("/tmp/d"))
	for range 10 {
		err = errors.Join(err, unix.Chdir(".."))
	}
	if err := errors.Join(err, unix.Chroot(".")); err != nil {
		return nil, err
	}
	if _, err := os.Stat("/tmp/d"); err != nil {
		return nil, fmt.Errorf("the program is in another root: %w", err)
	}
	return got, nil
}

func text(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// In a root, a program sees the files of the machine and can change only what is the lab's.
func TestRoot(t *testing.T) {
	needSandbox(t)
	dir, err := os.MkdirTemp("/tmp", "halfopen-root")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv(rootEnv, dir)
	for _, d := range []string{"shown", "writable"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"shown/file", "hidden"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("seen\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()

	for _, role := range []string{"test-root", "test-root-in-docker"} {
		t.Run(role, func(t *testing.T) { tryRoot(t, role, dir) })
	}
}

func tryRoot(t *testing.T, role, dir string) {
	var got surroundings
	run(t, role, &got)
	want := surroundings{
		Writes: map[string]string{
			"/halfopen-test": "EROFS", "/etc/halfopen-test": "EROFS", "/usr/halfopen-test": "EROFS",
			"/dev/halfopen-test": "EROFS",
			"/tmp/x":             "", "/var/tmp/x": "", "/run/x": "", "/dev/shm/x": "", Home + "/x": "", "/dev/null": "",
			"/proc/sys/kernel/printk_ratelimit": "EROFS", "/proc/sys/net/ipv4/tcp_syn_retries": "",
			"DIR/shown/x": "EROFS", "DIR/writable/x": "",
		},
		Text: map[string]string{
			"/etc/hosts": hostsFile, "/etc/halfopen-placed": "placed\n", "DIR/shown/file": "seen\n", "DIR/hidden": "ENOENT", "DIR/socket": "ENOENT",
		},
		Dir:     "/",
		Devices: got.Devices,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inside (-want +got):\n%s", diff)
	}
	for _, name := range got.Devices {
		switch name {
		case "null", "zero", "full", "random", "urandom", "tty", "net", "fd", "stdin", "stdout", "stderr",
			"ptmx", "pts", "shm":
		default:
			t.Errorf("the lab has the device %s", name)
		}
	}
	if content, err := os.ReadFile(filepath.Join(dir, "writable", "x")); err != nil || string(content) != "5" {
		t.Errorf("in the writable folder is %q, %v", content, err)
	}
	for _, path := range []string{"/tmp/x", "/var/tmp/x", "/run/x", "/dev/shm/x", filepath.Join(dir, "shown", "x")} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("the machine has %s now", path)
		}
	}
}

// A scenario may lie in a folder that is private: its neighbours stay visible, and the folder is still
// private.
func TestRootShowsTheFilesOfAPrivateFolder(t *testing.T) {
	needSandbox(t)
	f, err := os.CreateTemp("/tmp", "halfopen-neighbour")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	t.Cleanup(func() { os.Remove(f.Name()) })
	t.Setenv(rootEnv, f.Name())
	var got []string
	run(t, "test-root-tmp", &got)
	if diff := cmp.Diff([]string{"", "EROFS", ""}, got); diff != "" {
		t.Errorf("reading the neighbour, writing it, and writing next to it (-want +got):\n%s", diff)
	}
	if _, err := os.Lstat(f.Name() + "-new"); err == nil {
		t.Errorf("the machine has %s-new now", f.Name())
	}
}

func rootTmpRole() (any, error) {
	if err := errors.Join(Enter(hostname), (&Root{Shown: []string{"/tmp"}}).enter()); err != nil {
		return nil, err
	}
	neighbour := os.Getenv(rootEnv)
	_, err := os.ReadFile(neighbour)
	return []string{
		text(err), text(os.WriteFile(neighbour, nil, 0o644)), text(os.WriteFile(neighbour+"-new", nil, 0o644)),
	}, nil
}
