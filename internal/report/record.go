package report

import (
	"errors"
	"fmt"
	"io"
	"time"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// About says which run a record is about.
type About struct {
	// Index is the place of the run in the order of the suite, from 0.
	Index int `json:"index" jsonschema:"minimum=0"`
	// Scenario, Case and Family say what was run; ID is the name of the run for people. File is the
	// file of the scenario, which tells it from others of its name. N is the number of the
	// repetition, from 1; 0 if the case is run once.
	Scenario string `json:"scenario"`
	File     string `json:"file,omitempty"`
	Case     string `json:"case"`
	Family   string `json:"family"`
	N        int    `json:"n,omitempty"`
	ID       string `json:"id"`
	// Place is where the run takes place; one without a kernel is this machine.
	Place result.Place `json:"place"`
	Seed  uint64       `json:"seed,string" jsonschema:"pattern=^[0-9]+$"`
}

func about(r *result.Run) About {
	s := r.Scenario
	return About{
		Index: r.Index, Scenario: s.Name, File: s.Pos.File, Case: s.Case, Family: string(s.Family),
		N: r.N, ID: r.ID(), Place: r.Place, Seed: r.Seed,
	}
}

// Record is a result for programs: the record "run", and the file verdict.json.
type Record struct {
	Head
	About
	// Title and Tags are those of the scenario.
	Title string   `json:"title"`
	Tags  []string `json:"tags,omitempty"`
	// Params are the values of the parameters of the case, Set those of them that --set gave.
	Params map[string]string `json:"params,omitempty"`
	Set    map[string]string `json:"set,omitempty"`
	// Status is pass, fail, inconclusive, skip or error. Error says why there is no verdict.
	Status string `json:"status" jsonschema:"enum=pass,enum=fail,enum=inconclusive,enum=skip,enum=error"`
	Error  string `json:"error,omitempty"`
	// Code says in a word why the run did not pass, see [result.Result.Code]; docs/codes.md lists them.
	Code assertions.Code `json:"code,omitempty"`
	// Started is when the run began, by the clock of the machine that runs the suite. Seconds is the
	// real time that the whole run took.
	Started time.Time `json:"started,omitzero"`
	Seconds float64   `json:"seconds"`
	// Kernel is uname -r.
	Kernel string `json:"kernel,omitempty"`
	// Ended is why the run ended: done, duration, deadline, released or canceled. Hanging lists the
	// steps that had not ended.
	Ended   string   `json:"ended,omitempty"`
	Hanging []string `json:"hanging,omitempty"`
	// Attempts are the runs before this one that were inconclusive.
	Attempts []result.Attempt `json:"attempts,omitempty"`
	// Once says why an inconclusive run was not repeated although such runs are; "" for all others.
	Once string `json:"once,omitempty"`
	// Rerun is the command that repeats the run, for a shell.
	Rerun string `json:"rerun,omitempty"`
	// Verdicts are in the order of the scenario's expect list. Their packets and sockets are
	// indexes of events in the trace, from 0.
	Verdicts []assertions.Verdict `json:"verdicts"`
	// Steps are there only where the trace is: in what is written when the run ends.
	Steps  []StepRecord       `json:"steps"`
	Faults []result.FaultHits `json:"faults"`
	// Programs are those that steps ran, and how they ended.
	Programs []result.ProgramEnd `json:"programs,omitempty"`
	// Late is how late the lab was, by 1 ms or more: a line for each of its parts.
	Late []result.LatePart `json:"late,omitempty"`
	// Dir is the directory with the trace and the capture, "" if they are not stored.
	Dir string `json:"dir,omitempty"`
	// Logs are the files there with what programs wrote.
	Logs []result.Log `json:"logs,omitempty"`
	// Stamp is empty if they are not stored.
	result.Stamp
	// Evidence is there only in what inspect writes.
	Evidence *EvidenceRecord `json:"evidence,omitempty"`
}

// EvidenceRecord says whether the files of a stored run belong together.
type EvidenceRecord struct {
	// Conflicts says where they contradict each other, Notes what could not be compared.
	Conflicts []string `json:"conflicts"`
	Notes     []string `json:"notes"`
}

// StepRecord is the outcome of a step.
type StepRecord struct {
	// Step is ACTOR.STEP. N counts its executions from 1.
	Step string `json:"step"`
	N    int    `json:"n"`
	Op   string `json:"op"`
	// Began is when the step began, in seconds since the actors started. Seconds is how long it
	// took.
	Began   float64 `json:"began"`
	Seconds float64 `json:"seconds"`
	// Errno is the name of the error, "" for success.
	Errno  string `json:"errno"`
	Result int64  `json:"result"`
	Bytes  int64  `json:"bytes,omitempty"`
	Value  string `json:"value,omitempty"`
}

// NewRecord returns the record of a result.
func NewRecord(r *result.Result) *Record {
	s := r.Scenario
	rec := &Record{
		Head: head(RunRecord), About: about(&r.Run), Title: s.Title, Tags: s.Tags, Params: s.Params, Set: s.Set,
		Status: statusOf(r), Code: r.Code(), Started: r.Started, Seconds: r.Took.Seconds(), Dir: r.Dir, Logs: r.Logs,
		Stamp: r.Stamp, Verdicts: r.Verdicts, Attempts: r.Attempts, Once: r.Once, Rerun: r.Rerun,
		Steps: stepRecords(r.Trace), Faults: []result.FaultHits{},
	}
	if rec.Verdicts == nil {
		rec.Verdicts = []assertions.Verdict{}
	}
	if r.Err != nil {
		rec.Error = r.Err.Error()
	}
	facts := r.Facts
	if facts.Ended == "" && r.Trace != nil { // it was not made by a suite, or its trace has no end
		facts = result.FactsOf(r.Trace)
	}
	rec.Kernel, rec.Ended, rec.Hanging = facts.Kernel, string(facts.Ended), facts.Hanging
	rec.Faults = append(rec.Faults, facts.Faults...)
	rec.Programs, rec.Late = facts.Programs, facts.Late
	return rec
}

func stepRecords(t *trace.Trace) []StepRecord {
	all := []StepRecord{}
	if t == nil {
		return all
	}
	start := t.Started()
	for i := range t.Events {
		e := &t.Events[i]
		if st := e.Step; st != nil {
			all = append(all, StepRecord{
				Step: st.Actor + "." + st.ID, N: st.N, Op: st.Op,
				Began: (st.Began - start).Seconds(), Seconds: (e.T - st.Began).Seconds(),
				Errno: st.Errno, Result: st.Result, Bytes: st.Bytes, Value: st.Value,
			})
		}
	}
	return all
}

// WriteInspected writes the record of a result that was loaded, with what is said of its files.
func WriteInspected(w io.Writer, r *result.Result) error {
	rec := NewRecord(r)
	rec.Evidence = &EvidenceRecord{
		append([]string{}, r.Evidence.Conflicts...), append([]string{}, r.Evidence.Notes...),
	}
	return WriteRecord(w, RunRecord, rec)
}

// statusOf returns the status of a result. A canceled run has the status error: it has no verdict.
func statusOf(r *result.Result) string {
	if r.Status == result.Canceled {
		return string(result.Error)
	}
	return string(r.Status)
}

// WriteJSON writes the record of a result as one line of JSON.
func WriteJSON(w io.Writer, r *result.Result) error { return writeRecord(w, r, "") }

// WriteVerdict writes the record of a result as indented JSON, for verdict.json.
func WriteVerdict(w io.Writer, r *result.Result) error { return writeRecord(w, r, "  ") }

func writeRecord(w io.Writer, r *result.Result, indent string) error {
	if err := encode(w, NewRecord(r), indent); err != nil {
		return fmt.Errorf("writing the verdict of %s: %w", r.ID(), err)
	}
	return nil
}

// Result returns the result that a record is of, without its trace and with only as much of the
// scenario as the record has: its names, title, tags and parameters.
func (rec *Record) Result() *result.Result {
	r := &result.Result{
		Run: rec.run(), Status: result.Status(rec.Status), Verdicts: rec.Verdicts,
		Attempts: rec.Attempts, Once: rec.Once, Started: rec.Started,
		Took: time.Duration(rec.Seconds * float64(time.Second)), Dir: rec.Dir, Logs: rec.Logs,
		Rerun: rec.Rerun, Stamp: rec.Stamp,
		Facts: result.Facts{
			Kernel: rec.Kernel, Ended: trace.EndReason(rec.Ended), Hanging: rec.Hanging, Faults: rec.Faults,
			Programs: rec.Programs, Late: rec.Late,
		},
	}
	r.Scenario.Title, r.Scenario.Tags, r.Scenario.Params = rec.Title, rec.Tags, rec.Params
	if rec.Error != "" {
		r.Err = errors.New(rec.Error)
	}
	return r
}

// Result returns the result that a record of a canceled run is of.
func (c *Canceled) Result() *result.Result {
	return &result.Result{
		Run: c.run(), Status: result.Canceled, Started: c.Started,
		Took: time.Duration(c.Seconds * float64(time.Second)), Dir: c.Dir,
	}
}

// run returns the run that a record is about.
func (a *About) run() result.Run {
	s := &language.Scenario{
		Name: a.Scenario, Case: a.Case, Family: language.Family(a.Family), Pos: language.Pos{File: a.File},
	}
	r := result.Run{Scenario: s, N: a.N, Index: a.Index, Seed: a.Seed, Place: a.Place}
	if r.ID() != a.ID { // the scenario has several IP versions
		s.IP = []language.Family{language.V4, language.V6}
	}
	return r
}
