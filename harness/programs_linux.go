package harness

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// checkPrograms checks, before anything is built, that this machine has the programs that the
// scenario needs, and those that exec steps name, in their root directory and below dir. Programs that
// a shell runs are left to the shell.
func checkPrograms(s *language.Scenario, dir string) error {
	missing := CheckNeeds(s)
	for a := range s.Actors {
		language.EachStep(s.Actors[a].Steps, func(st *language.Step) {
			if missing != nil || st.Op.Launch() == nil || len(st.Op.Launch().Command) == 0 {
				return
			}
			program := st.Op.Launch().Command[0]
			path := program
			if filepath.Base(program) != program && !filepath.IsAbs(program) {
				path = filepath.Join(dir, st.Op.Launch().Dir, program)
				if filepath.IsAbs(st.Op.Launch().Dir) {
					path = filepath.Join(st.Op.Launch().Dir, program)
				}
			}
			// A folder, or a file that is not executable, is the scenario's mistake: the step says so.
			if _, err := exec.LookPath(path); errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
				missing = &inject.MissingError{
					Feature:  "the program " + program,
					NeededBy: fmt.Sprintf("%s: step %s.%s", st.Pos, s.Actors[a].Name, st.ID),
					Remedy:   "install it, or give its path",
				}
			}
		})
	}
	return missing
}

// programDir is the working directory of programs.
func (l *lab) programDir() string { return cmp.Or(l.Dir, sandbox.Home) }

// makeRoot makes the root directory of the scenario's programs.
func (l *lab) makeRoot() error {
	if err := kernel.CheckProgramCapabilities(); err != nil {
		return err
	}
	if l.Scenario.Calls == language.CallsByStrace {
		l.findStrace()
	}
	root, err := rootFor(&l.job)
	if err != nil {
		return err
	}
	l.root, err = root.Make(func() error {
		l.absent = checkPrograms(l.Scenario, l.programDir())
		var err error
		l.users, err = findUsers(l.Scenario)
		return err
	})
	var misplaced *sandbox.PlaceError
	if !errors.As(err, &misplaced) {
		return err
	}
	for i := range l.Scenario.Files {
		if f := &l.Scenario.Files[i]; f.Path == misplaced.Path {
			return &inject.RefusedError{Text: fmt.Sprintf("%s: files: %s: %v", f.Pos, f.Path, misplaced.Err)}
		}
	}
	return err
}

// rootFor returns the root directory for the programs of a run. The directory of the scenario stays
// visible, and programs that commands name by an absolute path, though they are in /tmp or another
// folder that is private.
//
// The error says which placed file is outside the directory of the scenario, by a symbolic link.
func rootFor(j *job) (*sandbox.Root, error) {
	root := &sandbox.Root{Writable: j.Writable}
	names, err := nameFiles(j.Scenario)
	if err != nil {
		return nil, err
	}
	root.Files = names
	for i := range j.Scenario.Files {
		f := &j.Scenario.Files[i]
		placed := sandbox.PlacedFile{Path: f.Path, Mode: f.Permissions()}
		if f.Text != nil {
			placed.Text = *f.Text
		} else {
			if placed.Dir, placed.From, err = within(j.Dir, f); err != nil {
				return nil, err
			}
		}
		root.Files = append(root.Files, placed)
	}
	if j.Dir != "" {
		root.Shown = append(root.Shown, j.Dir)
	}
	for i := range j.Scenario.Actors {
		language.EachStep(j.Scenario.Actors[i].Steps, func(st *language.Step) {
			for _, command := range st.Op.Commands() {
				root.Shown = append(root.Shown, executables(command)...)
			}
		})
	}
	return root, nil
}

// within returns where the file or folder of the machine is that a placed file comes from: the directory of
// the scenario, below which it must be, and the path from there, both without symbolic links.
func within(dir string, f *language.PlacedFile) (base, from string, err error) {
	if dir == "" {
		return "", "", &inject.MissingError{
			Feature:  "the file " + f.From,
			NeededBy: fmt.Sprintf("%s: files: %s", f.Pos, f.Path),
			Remedy:   "put its text into the scenario: a built-in scenario has no directory to take it from",
		}
	}
	base, err = filepath.EvalSymlinks(dir)
	if err != nil {
		return "", "", err
	}
	from, err = filepath.EvalSymlinks(filepath.Join(base, f.From))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", &inject.RefusedError{Text: fmt.Sprintf("%s: files: %s: there is no %s in %s", f.Pos, f.Path, f.From, base)}
	}
	if err != nil {
		return "", "", err
	}
	below, ok := strings.CutPrefix(from, strings.TrimSuffix(base, "/")+"/")
	if !ok {
		return "", "", &inject.RefusedError{Text: fmt.Sprintf(
			"%s: files: %s: %s leads to %s, outside the directory of the scenario", f.Pos, f.Path, f.From, from)}
	}
	return base, below, nil
}

// executables returns the executable files that are named by their absolute path in a command, which
// may be a text for the shell.
func executables(command []string) []string {
	var paths []string
	for _, text := range command {
		for _, word := range strings.FieldsFunc(text, func(r rune) bool {
			return strings.ContainsRune(" \t\n;&|<>()`'\"=$", r)
		}) {
			if !filepath.IsAbs(word) {
				continue
			}
			info, err := os.Stat(word)
			if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				paths = append(paths, filepath.Clean(word))
			}
		}
	}
	return paths
}

// flushWithin is how long the lab waits for the last lines of programs. An actor that a signal has
// stopped does not answer.
const flushWithin = 2 * time.Second

// flushCanceled is the same for a run that was canceled, whose lab has little time to end.
const flushCanceled = 300 * time.Millisecond

// flush waits for the last lines of all programs that are still running.
func (l *lab) flush() error {
	var asked []*member
	for _, a := range l.actors {
		if !a.gone && language.RunsPrograms(a.Steps) && !stopped(a.process.PID) {
			a.commands.Send(actor.Command{Flush: true})
			asked = append(asked, a)
		}
	}
	within, canceled := flushWithin, l.canceled
	select {
	case <-canceled:
		// Whoever interrupts a program that hangs wants to see its last words.
		within, canceled = flushCanceled, nil
	default:
	}
	patience := time.NewTimer(within)
	defer patience.Stop()
	for slices.ContainsFunc(asked, func(a *member) bool { return !a.flushed && !a.gone }) {
		select {
		case f := <-l.inbox:
			if err := f(); err != nil {
				return err
			}
		case <-canceled:
			return nil
		case <-patience.C:
			l.now(trace.Event{Note: &trace.Note{
				Text: "the last lines of programs are missing: their actor did not answer in time",
			}})
			return nil
		}
	}
	return nil
}
