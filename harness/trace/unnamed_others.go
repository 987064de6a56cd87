//go:build !linux

package trace

import "os"

// unnamed makes a file in a directory that has no name.
func unnamed(dir string) (*os.File, error) { return removed(dir) }
