package harness

import (
	"errors"

	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// job is the lab's order: one JSON value on its control pipe. Closing the pipe cancels the run.
type job struct {
	Scenario *language.Scenario `json:"scenario"`
	Clock    trace.Clock        `json:"clock"`
	Seed     uint64             `json:"seed"`
}

// message is an answer of the lab, one JSON value on its event pipe. Exactly one field is set.
type message struct {
	Event *trace.Event `json:"event,omitempty"`
	// Failure ends the run without a verdict.
	Failure *failure `json:"failure,omitempty"`
}

// failure is an error in the form that passes through the pipe.
type failure struct {
	Text    string   `json:"text"`
	Missing *missing `json:"missing,omitempty"`
}

type missing struct {
	Feature  string `json:"feature"`
	OfKernel bool   `json:"of_kernel,omitempty"`
	NeededBy string `json:"needed_by,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
	Cause    string `json:"cause,omitempty"`
}

func newFailure(err error) *failure {
	f := &failure{Text: err.Error()}
	var m *inject.MissingError
	if errors.As(err, &m) {
		f.Missing = &missing{Feature: m.Feature, OfKernel: m.OfKernel, NeededBy: m.NeededBy, Remedy: m.Remedy}
		if m.Err != nil {
			f.Missing.Cause = m.Err.Error()
		}
	}
	return f
}

func (f *failure) error() error {
	if f.Missing == nil {
		return errors.New(f.Text)
	}
	m := &inject.MissingError{Feature: f.Missing.Feature, OfKernel: f.Missing.OfKernel, NeededBy: f.Missing.NeededBy, Remedy: f.Missing.Remedy}
	if f.Missing.Cause != "" {
		m.Err = errors.New(f.Missing.Cause)
	}
	return m
}
