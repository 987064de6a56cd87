package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"halfopen/harness/sandbox"
	"halfopen/internal/kernel"
)

// examination is what a doctor's lab answers.
type examination struct {
	Findings []kernel.Finding
	Failure  *failure
}

// Examine finds out what this machine can do: it makes an empty lab and probes in it. The first finding says whether labs
// can be made at all.
func Examine() []kernel.Finding {
	lab := kernel.Finding{Name: "labs (namespaces of one's own)", Essential: true, OK: true, Detail: "as root"}
	if os.Geteuid() != 0 {
		lab.Detail = "without root, by an unprivileged user namespace"
	}
	inside, err := examineInside()
	if err != nil {
		lab.OK, lab.Detail = false, err.Error()
		var m *kernel.MissingError
		if errors.As(err, &m) {
			lab.Detail, lab.Remedy = m.Feature+" is missing", m.Remedy
			if m.Err != nil {
				lab.Detail += ": " + m.Err.Error()
			}
		}
		lab.NeededBy = "halfopen run"
	}
	return append(append([]kernel.Finding{lab}, inside...), kernel.ProbeHost()...)
}

func examineInside() ([]kernel.Finding, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	defer r.Close()
	// Its descriptors 3 and 4 are those of a lab; it has no orders to read.
	p, err := sandbox.Start(roleDoctor, os.Stderr, w, w)
	w.Close()
	if err != nil {
		return nil, err
	}
	var e examination
	decodeErr := json.NewDecoder(r).Decode(&e)
	status, err := p.Wait()
	switch {
	case err != nil:
		return nil, err
	case decodeErr != nil:
		return nil, fmt.Errorf("the probing lab ended without an answer (%s): %w", describe(status), decodeErr)
	case e.Failure != nil:
		return nil, e.Failure.error()
	}
	return e.Findings, nil
}

// runDoctor is the main function of a lab that only probes.
func runDoctor(answer *os.File) error {
	var e examination
	if err := sandbox.Enter("halfopen"); err != nil {
		e.Failure = newFailure(err)
	} else {
		e.Findings = kernel.ProbeLab()
	}
	return json.NewEncoder(answer).Encode(e)
}
