package kernel

import (
	"errors"
	"fmt"
	"syscall"
)

// MoreProcesses is what to do where the kernel starts no more processes or threads.
const MoreProcesses = "raise the limit of processes (ulimit -u, the pids limit of the container), or lower --jobs"

// scarcities are the errors of a machine that has run out of something, and what to do about each.
var scarcities = []struct {
	errno  syscall.Errno
	remedy string
}{
	{syscall.EMFILE, "raise the limit of open files (ulimit -n), or lower --jobs"},
	{syscall.ENFILE, "raise fs.file-max, the limit of open files of the machine, or lower --jobs"},
	{syscall.EAGAIN, MoreProcesses},
	{syscall.ENOMEM, "free memory, or lower --jobs"},
	{syscall.EFBIG, "raise the limit of the size of files (ulimit -f)"},
}

// ExplainScarcity adds the remedy to an error of making a lab, if it says that something has run
// out, once. Any other error is returned as it is.
func ExplainScarcity(err error) error {
	var explained *scarceError
	if errors.As(err, &explained) {
		return err
	}
	for _, s := range scarcities {
		if errors.Is(err, s.errno) {
			return &scarceError{err, s.remedy}
		}
	}
	return err
}

// scarceError is an error with its remedy.
type scarceError struct {
	err    error
	remedy string
}

func (e *scarceError) Error() string { return fmt.Sprintf("%v; %s", e.err, e.remedy) }

func (e *scarceError) Unwrap() error { return e.err }
