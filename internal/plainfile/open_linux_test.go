package plainfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A pipe that nobody writes to would block whoever opens it, a message of the kernel whoever reads it.
func TestOpenRefusesPipesDevicesAndTheKernel(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe:                        "a pipe",
		"/dev/zero":                 "a device",
		"/":                         "a directory",
		"/proc/kmsg":                "an interface of the kernel (proc)",
		"/proc/self/mem":            "an interface of the kernel (proc)",
		"/sys/kernel/uevent_seqnum": "an interface of the kernel (sysfs)",
	} {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue // containers hide some
		}
		want = path + " is " + want + ", not a file"
		if _, err := Open(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A shell passes a file on as a descriptor, whose link is in /proc; the file itself is not.
func TestOpenTakesTheFileOfADescriptor(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again, err := Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
