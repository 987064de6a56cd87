//go:build !linux

package wholefile

import (
	"fmt"
	"os"
	"runtime"
)

// Create begins a file. It has a temporary name until [File.Commit], which a process that is killed
// may leave.
func Create(path string, perm os.FileMode) (*File, error) { return createNamed(path, perm) }

// link is never called: no file is without a name.
func link(*os.File, string) error { return fmt.Errorf("files without a name on %s", runtime.GOOS) }
