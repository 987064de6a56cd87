package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// openTo returns the absolute paths of the folders that --writable names.
func openTo(named []string) ([]string, error) {
	var paths []string
	for _, dir := range named {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s: %w", dir, syscall.ENOTDIR)
		}
		if err == nil {
			dir, err = filepath.Abs(dir)
		}
		if err != nil {
			return nil, usagef("--writable: %w", err)
		}
		paths = append(paths, dir)
	}
	return paths, nil
}
