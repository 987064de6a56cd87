//go:build !linux

package suite

import "io"

// writeFile writes a file, whole or not at all.
func writeFile(path string, write func(io.Writer) error) error { return renameFile(path, write) }
