//go:build !linux

package monitor

// Relax does nothing: no other system lets a process say how late its threads may wake.
func Relax() error { return nil }
