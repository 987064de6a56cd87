// Package inject breaks networks: package network builds the hosts, package fault strikes the
// packets between them. This package has only the errors that both return: one if the machine lacks
// something they need, one if the kernel refuses something they ask for.
package inject

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MissingError says that this machine lacks something that a run needs. Detect it with errors.As: a
// test can then skip, and the command exits with status 3.
type MissingError struct {
	// Feature is the missing thing, as a subject: "sch_netem", "the program iptables",
	// "CAP_NET_ADMIN and CAP_NET_RAW".
	Feature string
	// OfKernel is set if the feature is a part of the kernel that this one was built without.
	OfKernel bool
	// Is says how it is with the feature if it is neither missing here nor in the kernel: "set for
	// the whole machine, not in a namespace"; "" if it is missing.
	Is string
	// NeededBy is the part of the run that needs it, such as `fault "slow-link"`; may be empty.
	NeededBy string
	// Remedy is what the user can do, as an imperative; may be empty.
	Remedy string
	// Near is the name that may have been meant, if Remedy asks so; "" otherwise.
	Near string
	// Err is the cause; may be nil.
	Err error
}

// Error returns one line: what is missing, what needs it, and what to do.
func (e *MissingError) Error() string {
	verb, where := " is", " not available here"
	if strings.Contains(e.Feature, " and ") {
		verb = " are"
	}
	switch {
	case e.Is != "":
		where = " " + e.Is
	case e.OfKernel:
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

// missing is a MissingError as JSON.
type missing struct {
	Feature  string `json:"feature"`
	OfKernel bool   `json:"of_kernel,omitempty"`
	Is       string `json:"is,omitempty"`
	NeededBy string `json:"needed_by,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
	Near     string `json:"near,omitempty"`
	Cause    string `json:"cause,omitempty"`
}

// MarshalJSON makes the error fit to pass through a pipe. Of the cause only the text remains.
func (e *MissingError) MarshalJSON() ([]byte, error) {
	m := missing{
		Feature: e.Feature, OfKernel: e.OfKernel, Is: e.Is, NeededBy: e.NeededBy, Remedy: e.Remedy, Near: e.Near,
	}
	if e.Err != nil {
		m.Cause = e.Err.Error()
	}
	return json.Marshal(&m)
}

// UnmarshalJSON reverses MarshalJSON: the error has the same message.
func (e *MissingError) UnmarshalJSON(data []byte) error {
	var m missing
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	*e = MissingError{
		Feature: m.Feature, OfKernel: m.OfKernel, Is: m.Is, NeededBy: m.NeededBy, Remedy: m.Remedy, Near: m.Near,
	}
	if m.Cause != "" {
		e.Err = errors.New(m.Cause)
	}
	return nil
}
