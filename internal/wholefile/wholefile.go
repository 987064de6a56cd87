// Package wholefile writes files whole or not at all.
package wholefile

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// rename writes a file under another name and renames it, so that a reader never sees half of
// it. A process that is killed leaves the other name.
func rename(path string, perm os.FileMode, write func(io.Writer) error) (err error) {
	// os.CreateTemp would not ask the umask.
	name := fmt.Sprintf(".%s.%d", filepath.Base(path), rand.Uint64())
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), name),
		os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
