package harness

import (
	"errors"
	"os/exec"
	"path/filepath"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/strace"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// findStrace looks for the machine's strace, before the lab has its root directory: what a scenario
// places there must not run with the privileges of the lab.
func (l *lab) findStrace() {
	lacks := func(feature string, err error) error {
		return &inject.MissingError{
			Feature: feature, NeededBy: l.Scenario.Name + ": calls: strace",
			Remedy: "install strace " + strace.Oldest + " or later", Err: err,
		}
	}
	path, err := exec.LookPath(strace.Program)
	if err != nil {
		l.noStrace = lacks("the program "+strace.Program, nil)
		return
	}
	if path, err = filepath.Abs(path); err != nil {
		l.noStrace = err
		return
	}
	version, err := exec.Command(path, "-V").Output()
	switch {
	case err != nil:
		l.noStrace = lacks("a working "+path, err)
	case !strace.IsRecent(string(version)):
		l.noStrace = lacks("a "+path+" of version "+strace.Oldest, errors.New("it is older"))
	default:
		l.strace = path
	}
}

// useStrace has all programs run under strace, if that shows their calls.
func (l *lab) useStrace(watched *trace.Tracepoints) error {
	if !watched.Strace {
		return nil
	}
	if l.noStrace != nil {
		return l.noStrace
	}
	for _, a := range l.actors {
		if language.RunsPrograms(a.Steps) {
			a.commands.Send(actor.Command{Strace: l.strace})
		}
	}
	return nil
}
