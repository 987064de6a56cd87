package kernel

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestScarcitiesHaveTheirRemedy(t *testing.T) {
	for errno, want := range map[unix.Errno]string{
		unix.EMFILE: "making a pipe: too many open files; raise the limit of open files (ulimit -n), or lower --jobs",
		unix.ENFILE: "making a pipe: too many open files in system; raise fs.file-max, the limit of open files of the machine, or lower --jobs",
		unix.EAGAIN: "making a pipe: resource temporarily unavailable; raise the limit of processes (ulimit -u, the pids limit of the container), or lower --jobs",
		unix.ENOMEM: "making a pipe: cannot allocate memory; free memory, or lower --jobs",
		unix.EFBIG:  "making a pipe: file too large; raise the limit of the size of files (ulimit -f)",
		unix.EPERM:  "making a pipe: operation not permitted",
	} {
		err := ExplainScarcity(fmt.Errorf("making a pipe: %w", errno))
		if again := ExplainScarcity(fmt.Errorf("making a lab: %w", err)); again.Error() != "making a lab: "+want {
			t.Errorf("explained again: %v, want the remedy once", again)
		}
		if err.Error() != want || !errors.Is(err, errno) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := ExplainScarcity(nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}
