// Package inject holds what breaks a network: package network makes hosts real, package fault strikes the packets between
// them. It has itself only the error that both return where the machine cannot do it.
package inject

import (
	"fmt"
	"strings"
)

// MissingError says that this machine lacks something that a run needs. Tell it from other errors by errors.As: a test can
// skip then, and the command ends with exit status 3.
type MissingError struct {
	// Feature is what is missing, as a subject: "sch_netem", "the program iptables", "CAP_NET_ADMIN and CAP_NET_RAW".
	Feature string
	// OfKernel is set where the feature is a part of the kernel that this one was built without.
	OfKernel bool
	// NeededBy is what needs it: `fault "slow-link"`; may be empty.
	NeededBy string
	// Remedy is what the user can do, as an imperative.
	Remedy string
	// Err is the cause, where there is one.
	Err error
}

// Error returns one line: what is missing, what needs it, what to do.
func (e *MissingError) Error() string {
	verb, where := " is", " not available here"
	if strings.Contains(e.Feature, " and ") {
		verb = " are"
	}
	if e.OfKernel {
		where = " not in this kernel"
	}
	s := e.Feature + verb + where
	if e.NeededBy != "" {
		s += fmt.Sprintf(" (needed by %s)", e.NeededBy)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Unwrap returns the cause.
func (e *MissingError) Unwrap() error { return e.Err }
