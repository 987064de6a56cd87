//go:build !linux || !(amd64 || arm64)

package tracepoint

import (
	"errors"
	"runtime"

	"halfopen/inject"
)

// View is what this process sees of the kernel: nothing on this system.
type View struct{}

// Watch is a network namespace whose events are reported.
type Watch struct{}

// errElsewhere is the error of everything but Open, which returns no View to call it on.
var errElsewhere = errors.ErrUnsupported

// Open returns a *inject.MissingError.
func Open() (*View, error) {
	return nil, &inject.MissingError{
		Feature: "eBPF for tracepoints", Err: errElsewhere,
		Remedy: "halfopen has it for Linux on amd64 and arm64, not for " +
			runtime.GOOS + " on " + runtime.GOARCH,
	}
}

// OpenCalls returns the error of Open.
func OpenCalls() (*View, error) { return Open() }

// Missing returns nothing.
func (*View) Missing() []Gap { return nil }

// DropReasons returns nothing.
func (*View) DropReasons() []string { return nil }

// ResetReasons returns nothing.
func (*View) ResetReasons() []string { return nil }

// Watch returns an error.
func (*View) Watch(uint64, func(Event)) (*Watch, error) { return nil, errElsewhere }

// Close does nothing.
func (*View) Close() error { return nil }

// Stop does nothing.
func (*View) Stop(watches ...*Watch) ([]Lost, error) { return make([]Lost, len(watches)), nil }
