//go:build !linux

package kernel

import "runtime"

// CounterNames returns a *inject.MissingError: the running kernel does not have Linux's counters.
func CounterNames() ([]string, error) {
	return nil, CheckSystem(runtime.GOOS, "the kernel's counters")
}
