//go:build !linux

package wholefile

import (
	"io"
	"os"
)

// Write writes a file, whole or not at all. A process that is killed may leave it under another name.
func Write(path string, perm os.FileMode, write func(io.Writer) error) error {
	return rename(path, perm, write)
}
