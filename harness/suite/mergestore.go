package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"halfopen/harness/suite/result"
	"halfopen/internal/kernel"
	"halfopen/internal/report"
	"halfopen/internal/say"
)

// Store copies the evidence of all runs below a directory, with the records of the whole suite, all of
// it or nothing. The directory must be empty, or not be there. An archive must not be there.
func (m *Merged) Store(ctx context.Context, dir string) (err error) {
	if entries, err := os.ReadDir(dir); err != nil && !os.IsNotExist(err) {
		return err
	} else if len(entries) > 0 {
		return fmt.Errorf("%s has files: want a new directory, or an empty one", dir)
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(kernel.ExplainScarcity(err), os.RemoveAll(temporary))
		}
	}()
	f, err := os.Create(filepath.Join(temporary, result.IndexFile))
	if err != nil {
		return err
	}
	err = m.store(ctx, temporary, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	if IsArchive(dir) {
		err = Pack(temporary, dir)
		return errors.Join(err, os.RemoveAll(temporary))
	}
	return os.Rename(temporary, dir)
}

// store copies the evidence to a directory, and writes the records.
func (m *Merged) store(ctx context.Context, dir string, records io.Writer) error {
	format, err := report.FormatNamed("json")
	if err != nil {
		return err
	}
	output := m.Output()
	output.Out, output.Errs, output.Base = records, io.Discard, dir
	view := format.New(output)
	results, err := m.Run(ctx, view, func(p Part, run string) (string, error) {
		run = filepath.Clean(filepath.FromSlash(run))
		to := filepath.Join(dir, run)
		part, err := os.OpenRoot(p.Dir)
		if err != nil {
			return "", err
		}
		defer part.Close()
		return to, copyEvidence(part, run, to)
	})
	if err != nil {
		return err
	}
	return view.Close(results.Kept, m.Ending(&results))
}

// Output is what views of the suite know in advance.
func (m *Merged) Output() Output {
	return Output{Runs: m.suite.Runs, Suite: m.suite, LeftOut: m.leftOut, Refused: m.refused}
}

// Ending is what views of the suite write at the end.
func (m *Merged) Ending(results *Results) Ending {
	return Ending{
		Seed: m.suite.Seed, Exit: m.Exit, Others: results.Others, Stop: results.Stop, Rest: results.Rest,
		Took: m.Took, Repeated: results.Repeated, LeftOut: m.leftOutLine(),
	}
}

// leftOutLine is a line about cases that no shard ran; "" if there are none.
func (m *Merged) leftOutLine() string {
	if len(m.leftOut) == 0 {
		return ""
	}
	var names []string
	for i := range m.leftOut {
		if name := m.leftOut[i].Scenario; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return say.Printable(fmt.Sprintf("left out: %s of %s; of %s: %s", say.Count(len(m.leftOut), "run"),
		strings.Join(names, ", "), m.leftOut[0].ID, m.leftOut[0].Why))
}

// copyEvidence copies the files of a run below the directory of a part, and those of its attempts. What
// a stranger's links lead to stays where it is.
func copyEvidence(part *os.Root, run, to string) error {
	entries, err := fs.ReadDir(part.FS(), filepath.ToSlash(run))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !isEvidence(e.Name()) {
			continue
		}
		if err := copyFile(part, filepath.Join(run, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	for n := 1; n < mostAttempts; n++ {
		at := result.AttemptDir(run, n)
		if info, err := part.Lstat(at); err == nil && info.IsDir() {
			if err := copyEvidence(part, at, result.AttemptDir(to, n)); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFile(part *os.Root, from, to string) (err error) {
	in, err := part.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
