//go:build linux && !amd64

package vm

import "errors"

// writePort returns an error: this processor has no ports.
func writePort(uint16) error { return errors.ErrUnsupported }
