//go:build !linux

package main

// sections are empty: what is measured exists on Linux only.
var sections []section
