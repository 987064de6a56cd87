package suite

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockDir locks a directory against others that lock it, until the file is closed or the process ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		err = fmt.Errorf("another process stores its runs in %s: wait for its end, or choose another directory", dir)
	case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS):
		err = nil // a file system without locks
	case err != nil:
		err = fmt.Errorf("locking %s: %w", dir, err)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
