//go:build !linux

package network

// NearestSysctl returns "": the running kernel has no parameters of Linux to compare with.
func NearestSysctl(string) string { return "" }
