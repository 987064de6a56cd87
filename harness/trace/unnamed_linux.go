package trace

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// unnamed makes a file in a directory that has no name, so that nothing of it is left after this
// process.
func unnamed(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		return removed(dir) // a file system without O_TMPFILE, such as NFS
	}
	return f, err
}
