package result

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/internal/plainfile"
	"halfopen/scenarios/language"
)

// Stamp says which trace a stored verdict is about, and who judged it. It is a part of verdict.json.
// All of it is "" in those of earlier versions, and in results that are not stored.
type Stamp struct {
	// Version is the version of halfopen that judged the run.
	Version string `json:"version,omitempty"`
	// TraceSHA256 is the SHA-256 of the file trace.ndjson, in hex.
	TraceSHA256 string `json:"trace_sha256,omitempty"`
	// CaptureSHA256 is that of the file capture.pcapng. It is "" in verdicts of earlier versions, whose
	// traces have the packets, too.
	CaptureSHA256 string `json:"capture_sha256,omitempty"`
	// ScenarioSHA256 is that of the scenario in the trace: what was run, and judged.
	ScenarioSHA256 string `json:"scenario_sha256,omitempty"`
}

// NewStamp returns the stamp of a trace whose file has the SHA-256 sum.
func NewStamp(version string, t *trace.Trace, sum []byte) Stamp {
	return Stamp{
		Version: version, TraceSHA256: hex.EncodeToString(sum), ScenarioSHA256: scenarioSHA256(t.Run()),
	}
}

// scenarioSHA256 does not depend on how the JSON of the scenario is written. It is "" if there is
// none.
func scenarioSHA256(run *trace.Run) string {
	if run == nil {
		return ""
	}
	dec := json.NewDecoder(bytes.NewReader(run.Source))
	dec.UseNumber()
	var scenario any
	if err := dec.Decode(&scenario); err != nil {
		return ""
	}
	text, err := json.Marshal(scenario) // with the keys of objects in order
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// IsOf reports whether the run of a trace ran a scenario.
func IsOf(run *trace.Run, s *language.Scenario) bool {
	text, err := json.Marshal(s)
	return err == nil && scenarioSHA256(run) == scenarioSHA256(&trace.Run{Source: text})
}

// Evidence is whether the files of a stored run belong together.
type Evidence struct {
	// Status is that of the run when it was stored; "" if the verdict is not there.
	Status Status
	// Conflicts says where they contradict each other: a sentence each, without a full stop.
	Conflicts []string
	// Notes says what could not be compared.
	Notes []string
}

func (e *Evidence) conflict(format string, args ...any) {
	e.Conflicts = append(e.Conflicts, fmt.Sprintf(format, args...))
}

func (e *Evidence) note(format string, args ...any) {
	e.Notes = append(e.Notes, fmt.Sprintf(format, args...))
}

// stored is the part of verdict.json that is compared.
type stored struct {
	Stamp
	Scenario string               `json:"scenario"`
	Case     string               `json:"case"`
	Family   string               `json:"family"`
	Status   Status               `json:"status"`
	Error    string               `json:"error"`
	Seed     storedSeed           `json:"seed"`
	Verdicts []assertions.Verdict `json:"verdicts"`
	Attempts []Attempt            `json:"attempts"`
	Once     string               `json:"once"`
	Index    int                  `json:"index"`
	N        int                  `json:"n"`
	Place    Place                `json:"place"`
	Started  time.Time            `json:"started"`
	Seconds  float64              `json:"seconds"`
}

// restore gives a run back what its trace does not say. A verdict of another run says nothing about it.
func (s *stored) restore(r *Result) {
	r.Stamp, r.Attempts, r.Once = s.Stamp, s.Attempts, s.Once
	r.Index, r.N, r.Place = max(s.Index, 0), max(s.N, 0), s.Place
	if !s.Started.IsZero() {
		r.Started = s.Started
	}
	if took := time.Duration(s.Seconds * float64(time.Second)); took > 0 {
		r.Took = took
	}
	r.Evidence.Status = s.Status
}

// storedSeed is a string, and in verdicts of earlier versions a number.
type storedSeed uint64

func (s *storedSeed) UnmarshalJSON(text []byte) error {
	var plain string
	if len(text) > 0 && text[0] == '"' {
		if err := json.Unmarshal(text, &plain); err != nil {
			return err
		}
		text = []byte(plain)
	}
	return json.Unmarshal(text, (*uint64)(s))
}

// readStored reads the verdict stored in dir. It returns nil, and says why in e, if there is none.
func readStored(dir string, e *Evidence) *stored {
	f, err := plainfile.Open(filepath.Join(dir, VerdictFile))
	if errors.Is(err, fs.ErrNotExist) {
		e.note("there is no %s: the run was not stored in full", VerdictFile)
		return nil
	}
	s := &stored{}
	if err == nil {
		defer f.Close()
		err = decodeOne(f, s)
	}
	if err != nil {
		e.conflict("%s cannot be read: %v", VerdictFile, err)
		return nil
	}
	return s
}

// decodeOne decodes a value of JSON that nothing follows. It does not read on after a mistake, however
// long the file is.
func decodeOne(r io.Reader, value any) error {
	dec := json.NewDecoder(r)
	if err := dec.Decode(value); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("it goes on after the verdict")
	}
	return nil
}

// compare compares the stored verdict with the run that was read and judged again, and with the sums
// of its trace and its capture.
func (s *stored) compare(r *Result, sum []byte, captureSum string, e *Evidence) {
	run := r.Trace.Run()
	if !s.isOf(run) {
		e.conflict("%s is of another run: of %s, seed %d; the trace is of %s, seed %d", VerdictFile,
			runName(s.Scenario, s.Case, s.Family), s.Seed,
			runName(run.Scenario, run.Case, run.Family), run.Seed)
		return
	}
	switch got := NewStamp("", r.Trace, sum); {
	case s.TraceSHA256 == "":
		e.note("%s has no hash of its trace, because an earlier version stored it; "+
			"whether the two belong together is not known", VerdictFile)
	case s.ScenarioSHA256 != got.ScenarioSHA256:
		e.conflict("the scenario in %s is not the one that was judged: it was changed, or is of "+
			"another run", TraceFile)
		return
	case s.TraceSHA256 != got.TraceSHA256:
		e.conflict("%s is not the one that was judged: it was changed, or is of another run; its "+
			"SHA-256 is %.12s..., that of the trace of %s %.12s...", TraceFile, got.TraceSHA256,
			VerdictFile, s.TraceSHA256)
		return
	case captureSum != "" && s.CaptureSHA256 != captureSum:
		e.conflict("%s is not the one that was judged: it was changed; its SHA-256 is %.12s..., that "+
			"of %s %.12s...", CaptureFile, captureSum, VerdictFile, s.CaptureSHA256)
		return
	}
	s.compareVerdicts(r, e)
}

// isOf reports whether the verdict is of the run of a trace.
func (s *stored) isOf(run *trace.Run) bool {
	return s.Scenario == run.Scenario && s.Case == run.Case && s.Family == run.Family &&
		uint64(s.Seed) == run.Seed
}

// compareVerdicts compares the verdicts on the same trace, then and now.
func (s *stored) compareVerdicts(r *Result, e *Evidence) {
	if len(s.Verdicts) == 0 && s.Status != Pass && s.Status != Fail {
		e.note("the run was not judged when it was stored: %s", s.Error)
		return
	}
	by := "an earlier version"
	if s.Version != "" {
		by = "version " + s.Version
	}
	if s.Status != r.Status {
		e.conflict("judged again, the run is %s; %s, by %s, says %s", r.Status, VerdictFile, by,
			s.Status)
	}
	if len(s.Verdicts) != len(r.Verdicts) {
		e.note("judged again, there are %d checks; %s, by %s, has %d", len(r.Verdicts), VerdictFile,
			by, len(s.Verdicts))
		return
	}
	for i := range s.Verdicts {
		was, is := &s.Verdicts[i], &r.Verdicts[i]
		if was.Status != is.Status {
			e.conflict("judged again, %q is %s; %s, by %s, says %s", is.Title, is.Status, VerdictFile,
				by, was.Status)
		}
	}
}

// runName names a run as [language.Scenario.ID] does, without its cases.
func runName(scenario, label, family string) string {
	name := scenario
	if label != "" {
		name += " " + label
	}
	return name + " " + family
}
