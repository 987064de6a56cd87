package network

import (
	"fmt"
	"strings"

	"halfopen/inject"
	"halfopen/internal/say"
	"halfopen/internal/sysctl"
)

// SysctlError says why a kernel parameter cannot be set.
type SysctlError struct {
	// Cause is the message: a *[inject.MissingError] if the parameter cannot be set in a namespace
	// of this machine, a *[inject.RefusedError] if the kernel refuses the value, any other error
	// otherwise.
	Cause error
	// Errno is the errno of open(2) or write(2); nil if nothing was tried.
	Errno error
}

// Error returns the message of the cause.
func (e *SysctlError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause and the errno.
func (e *SysctlError) Unwrap() []error {
	if e.Errno == nil {
		return []error{e.Cause}
	}
	return []error{e.Cause, e.Errno}
}

// unsettable says why a namespace does not have a parameter, or has it only to be read (readable).
// similar is a parameter of the same folder that it has, "" if none is similar.
func unsettable(name, neededBy, similar string, readable bool) *inject.MissingError {
	m := &inject.MissingError{Feature: "sysctl " + name, NeededBy: neededBy}
	p, _ := sysctl.Find(name)
	const elsewhere = "remove it, and set it on the machine with sysctl -w"
	switch {
	case p.Scope == sysctl.Machine:
		m.Is, m.Remedy = "set for the whole machine, not in a namespace", elsewhere
	case p.Scope == sysctl.ReadOnly:
		m.Is, m.Remedy = "there to be read only", "remove it"
	case readable:
		m.Is, m.Remedy = "read-only in a namespace", elsewhere
	case p.Name != "":
		m.OfKernel = true
		m.Remedy = fmt.Sprintf(
			"use a kernel that has it (run --kernel), or write %s? to set it only where it exists",
			name)
	default:
		m.OfKernel = true
		m.Remedy, m.Near = meant(name, similar)
	}
	return m
}

// meant guesses what was meant by a parameter that no known kernel has: it asks so, and returns the
// guess; "" if no name is similar.
func meant(name, similar string) (remedy, near string) {
	if similar == "" {
		similar = sysctl.Nearest(name, sysctl.Namespace)
	}
	if similar != "" {
		return fmt.Sprintf("did you mean %s?", similar), similar
	}
	remedy = "check the name"
	if wide := sysctl.Nearest(name, sysctl.Machine); wide != "" {
		remedy += fmt.Sprintf("; %s is set for the whole machine, not in a namespace", wide)
	}
	return remedy, ""
}

// noAlgorithm says that the kernel does not have a congestion control, and which it has.
func noAlgorithm(name, neededBy string, known []string) *inject.MissingError {
	return &inject.MissingError{
		Feature: "congestion control " + say.Clip(name), OfKernel: true, NeededBy: neededBy,
		Remedy: fmt.Sprintf("load its module (modprobe tcp_NAME), or choose one of %s",
			strings.Join(known, ", ")),
	}
}

// refused says that the kernel refuses the value of a parameter.
func refused(name, value, errno string) *inject.RefusedError {
	return &inject.RefusedError{Text: fmt.Sprintf(
		"invalid value %q of %s: the kernel refuses it (%s); "+
			"ip-sysctl.rst of the kernel says what it takes",
		say.Clip(value), name, errno)}
}

// LookAtSysctl says why a parameter cannot be set in a namespace, without one to try it in: it is
// known to be set for the whole machine, or to be read only, or the running kernel does not have
// it. It returns nil if nothing speaks against it.
func LookAtSysctl(name string) error {
	p, known := sysctl.Find(name)
	if known && p.Scope != sysctl.Namespace || lacksSysctl(name) {
		return &SysctlError{Cause: unsettable(name, "", "", false)}
	}
	return nil
}
