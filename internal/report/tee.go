package report

import (
	"errors"
	"sync"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// Report is a view that writes next to that of the terminal.
type Report struct {
	View
	// Done, if not nil, is called once, after Close and with its error. What it returns takes the place
	// of that error.
	Done func(error) error
}

// Tee is a view that passes everything to the view of the terminal and to the reports. What is said
// while runs go on is for the terminal only.
type Tee struct {
	View
	Reports []Report
}

// Begin passes on the begin of a run.
func (t *Tee) Begin(r *result.Run) {
	t.View.Begin(r)
	for _, v := range t.Reports {
		v.Begin(r)
	}
}

// Event passes on an event.
func (t *Tee) Event(r *result.Run, e *trace.Event) {
	t.View.Event(r, e)
	for _, v := range t.Reports {
		v.Event(r, e)
	}
}

// End passes on the result of a run.
func (t *Tee) End(r *result.Result) {
	t.View.End(r)
	for _, v := range t.Reports {
		v.End(r)
	}
}

// repeater is a view that also wants to know of runs that are to be repeated.
type repeater interface{ Repeats(*result.Result) }

// Repeats passes on that a run is to be repeated, to the views that want to know.
func (t *Tee) Repeats(r *result.Result) {
	if v, ok := t.View.(repeater); ok {
		v.Repeats(r)
	}
	for i := range t.Reports {
		if v, ok := t.Reports[i].View.(repeater); ok {
			v.Repeats(r)
		}
	}
}

// booter is a view that also follows virtual machines.
type booter interface {
	Boots(result.Place) (booted func())
}

// Boots passes on that a virtual machine boots, to the views that follow it.
func (t *Tee) Boots(at result.Place) (booted func()) {
	var all []func()
	if v, ok := t.View.(booter); ok {
		all = append(all, v.Boots(at))
	}
	for i := range t.Reports {
		if v, ok := t.Reports[i].View.(booter); ok {
			all = append(all, v.Boots(at))
		}
	}
	return sync.OnceFunc(func() {
		for _, booted := range all {
			booted()
		}
	})
}

// Close closes the view of the terminal, and then the reports, each whatever the others return.
func (t *Tee) Close(results []result.Result, e Ending) error {
	errs := []error{t.View.Close(results, e)}
	for _, v := range t.Reports {
		err := v.View.Close(results, e)
		if v.Done != nil {
			err = v.Done(err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
