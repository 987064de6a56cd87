//go:build !linux

package plainfile

// kernelSystem returns "": other systems have no such file systems, or name them differently.
func kernelSystem(string) string { return "" }
