package suite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"halfopen/harness/suite/result"
)

// prepareLogs makes the directory of a run whose programs write to files there while it goes on, and
// returns it; "" if the run is not stored or has no programs. Nothing of an older run stays: a run that
// is killed leaves the files, and they must not be taken for those of another one.
func prepareLogs(r *task) (dir string, err error) {
	dir = r.storedIn()
	if dir == "" || !r.Scenario.RunsPrograms() {
		return "", nil
	}
	if err = os.MkdirAll(dir, 0o777); err == nil {
		err = removeEvidence(dir)
	}
	if err != nil {
		return "", fmt.Errorf("storing what the programs of %s write: %w", r.ID(), err)
	}
	return dir, nil
}

// removeEvidence removes the files of a run from its directory.
func removeEvidence(dir string) error {
	logs, err := result.Logs(dir)
	if err != nil {
		return err
	}
	names := []string{result.TraceFile, result.CaptureFile, result.VerdictFile, result.ScenarioFile}
	for _, l := range logs {
		names = append(names, l.Name)
	}
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// moveLogs moves the files of programs from the directory of a run to that of an attempt of it, from
// which it removes those of an older run.
func moveLogs(from, to string) error {
	if err := removeEvidence(to); err != nil {
		return err
	}
	logs, err := result.Logs(from)
	if err != nil || len(logs) == 0 {
		return err
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	for _, l := range logs {
		if err := os.Rename(filepath.Join(from, l.Name), filepath.Join(to, l.Name)); err != nil {
			return err
		}
	}
	return nil
}

// mostOfGuest bounds the files of the programs of a run in a guest, in bytes. A guest that is what it
// should be sends less.
const mostOfGuest = 64 << 20

// guestLogs writes the files of programs that a guest sends.
type guestLogs struct {
	dir    string
	failed func(error)
	bytes  int
	over   bool
}

// add adds a piece to a file. After the first error, which is reported, it does nothing.
func (g *guestLogs) add(name string, data []byte) {
	if g.over {
		return
	}
	g.bytes += len(data)
	err := g.write(name, data)
	if err != nil {
		g.over = true
		g.failed(fmt.Errorf("storing what a program in a virtual machine wrote: %w", err))
	}
}

func (g *guestLogs) write(name string, data []byte) error {
	if filepath.Base(name) != name || !result.IsLog(name) || g.bytes > mostOfGuest {
		return fmt.Errorf("it sends %d bytes for %q: want a file of a program, and at most %d bytes of a run",
			g.bytes, name, mostOfGuest)
	}
	f, err := os.OpenFile(filepath.Join(g.dir, name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
