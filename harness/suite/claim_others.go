//go:build !linux

package suite

import "os"

// lockDir opens a directory. No suite runs on this system.
func lockDir(dir string) (*os.File, error) { return os.Open(dir) }
