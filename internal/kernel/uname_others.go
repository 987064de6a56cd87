//go:build !linux

package kernel

import "runtime"

// Uname returns a *inject.MissingError: the running kernel is not one that labs run on.
func Uname() (release, machine string, err error) {
	return "", "", CheckSystem(runtime.GOOS, "the release of the running kernel")
}
