package result

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"halfopen/harness/trace"
	"halfopen/internal/plainfile"
	"halfopen/scenarios/language"
)

// The files of a stored run, in its directory. The verdict is written last: if it exists, the
// others are complete.
const (
	// TraceFile has one event in each line, as JSON; see [trace.Trace.WriteReferring].
	TraceFile = "trace.ndjson"
	// CaptureFile has the packets, for tcpdump and Wireshark, and for the trace, which refers to them
	// by their numbers.
	CaptureFile = "capture.pcapng"
	// VerdictFile has the result as JSON, with the keys of halfopen run --format json and those of
	// [Stamp].
	VerdictFile = "verdict.json"
	// ScenarioFile is the scenario as it was written, if it was.
	ScenarioFile = "scenario.yaml"
)

// IndexFile is the file at the top of a stored suite: records, a line each.
const IndexFile = "results.ndjson"

// Find returns the directories that hold a stored run, dir and those below it, sorted.
func Find(dir string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() == TraceFile {
			dirs = append(dirs, filepath.Dir(path))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for stored runs: %w", err)
	}
	slices.Sort(dirs)
	return dirs, nil
}

// attempt is the beginning of the name of a directory with an inconclusive attempt, in that of its run.
const attempt = "attempt-"

// AttemptDir is the directory of the attempt n, from 1, of a run that is stored in dir.
func AttemptDir(dir string, n int) string { return filepath.Join(dir, attempt+strconv.Itoa(n)) }

// WithoutAttempts leaves out of the directories that [Find] found below dir those of attempts.
func WithoutAttempts(dir string, found []string) []string {
	return slices.DeleteFunc(found, func(at string) bool {
		return at != filepath.Clean(dir) && strings.HasPrefix(filepath.Base(at), attempt)
	})
}

// Load reads the run stored in dir and judges it again by the expectations stored with it. Evidence
// says whether its files belong together. A run whose verdict is not there, or is of another run, has no
// place, and Took is the time of the trace's end, which in warped time is time in the lab. Rerun has no
// options of the suite.
func Load(dir string) (*Result, error) {
	f, err := plainfile.Open(filepath.Join(dir, TraceFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	t, err := trace.Read(io.TeeReader(f, sum))
	if err != nil {
		return nil, err
	}
	captureSum, err := readCapture(dir, t)
	if err != nil {
		return nil, fmt.Errorf("reading the packets in %s: %w", CaptureFile, err)
	}
	run := t.Run()
	if run == nil || len(run.Source) == 0 {
		return nil, fmt.Errorf("%s does not contain the scenario of the run", TraceFile)
	}
	// A key that this version does not know would be dropped, and a wider selector judged in its place.
	var s *language.Scenario
	dec := json.NewDecoder(bytes.NewReader(run.Source))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("reading the scenario in %s: %w; was the run stored by a later version of halfopen?", TraceFile, err)
	}
	if s == nil {
		return nil, fmt.Errorf("%s does not contain the scenario of the run", TraceFile)
	}
	r := &Result{
		Run: Run{Scenario: s, Seed: run.Seed}, Trace: t, Facts: FactsOf(t), Started: run.Wall, Dir: dir,
	}
	if r.Logs, err = Logs(dir); err != nil {
		return nil, err
	}
	if _, end := t.End(); end > 0 {
		r.Took = end
	}
	r.Judge()
	if s := readStored(dir, &r.Evidence); s != nil {
		if s.isOf(run) {
			s.restore(r)
		}
		s.compare(r, sum.Sum(nil), captureSum, &r.Evidence)
	}
	s.Dir = run.Dir
	// Not what the verdict says: a person may paste it.
	r.Rerun = Rerun(&r.Run, Conditions{})
	return r, nil
}

// readCapture reads the packets of a trace that has them in the capture next to it, and returns the
// SHA-256 of that file in hex; "" if the trace has its packets, as those of earlier versions do.
func readCapture(dir string, t *trace.Trace) (string, error) {
	if !t.Referring() {
		return "", nil
	}
	f, err := plainfile.Open(filepath.Join(dir, CaptureFile))
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if err := t.ReadCapture(io.TeeReader(f, sum)); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
