// Package wholefile writes files whole or not at all.
package wholefile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// rename writes a file under another name and renames it, so that a reader never sees half of
// it. A process that is killed leaves the other name.
func rename(path string, perm os.FileMode, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
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
	if err = f.Chmod(perm); err != nil { // CreateTemp makes files private
		return err
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
