// Package plainfile opens files that the command line or a stored run names.
package plainfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrNotAFile is wrapped by the errors for anything but a regular file on a disk or in memory.
var ErrNotAFile = errors.New("not a file")

// Open opens a regular file for reading. It refuses anything else before it is opened: a named pipe
// would block, a device may act, and an interface of the kernel, such as /proc/kmsg, may do both. The
// errors of the system are those of [os.Open].
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	kind := kindOf(info.Mode())
	if system := kernelSystem(path); kind == "" && system != "" {
		kind = "an interface of the kernel (" + system + ")"
	}
	if kind != "" {
		return nil, fmt.Errorf("%s is %s, %w", path, kind, ErrNotAFile)
	}
	return os.Open(path)
}

// kindOf returns what a file is if it is not a regular one, else "".
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return ""
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
