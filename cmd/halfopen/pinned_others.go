//go:build !linux

package main

// pinned returns nil: whether a file can be replaced is seen in the end.
func pinned(string, int) error { return nil }
