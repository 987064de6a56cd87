//go:build !linux

package program

import "os"

// newFile returns an empty file. It stays if it cannot be removed while it is open.
func newFile() (*os.File, error) {
	f, err := os.CreateTemp("", "halfopen-output-")
	if err == nil {
		_ = os.Remove(f.Name())
	}
	return f, err
}
