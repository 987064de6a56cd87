//go:build !linux

package network

// lacksSysctl returns false: what a kernel of Linux would have is not known here.
func lacksSysctl(string) bool { return false }

// HasSysctl returns false: the running kernel has no parameters of Linux.
func HasSysctl(string) bool { return false }
