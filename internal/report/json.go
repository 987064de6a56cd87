package report

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// Record is a result for programs: a line of `--format json`, and the file verdict.json. Its keys stay; new ones may come.
type Record struct {
	// Scenario, Case and Family say what was run; ID is the three as a person tells them.
	Scenario string `json:"scenario"`
	Case     string `json:"case"`
	Family   string `json:"family"`
	ID       string `json:"id"`
	// Status is pass, fail, skip or error; Error says why there is no verdict.
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
	// Seconds is the wall time of the whole run.
	Seconds float64 `json:"seconds"`
	Seed    uint64  `json:"seed"`
	// Kernel is uname -r.
	Kernel string `json:"kernel,omitempty"`
	// Ended is why the run ended: done, deadline or canceled. Hanging are the steps that had not ended.
	Ended   string   `json:"ended,omitempty"`
	Hanging []string `json:"hanging,omitempty"`
	// Verdicts are in the order of the scenario's expect list; their packets and sockets are events of the trace, from 0.
	Verdicts []assertions.Verdict `json:"verdicts"`
	Steps    []StepRecord         `json:"steps"`
	Faults   []faultLine          `json:"faults"`
	// Dir is where trace and capture are stored.
	Dir string `json:"dir,omitempty"`
}

// StepRecord is the outcome of a step.
type StepRecord struct {
	// Step is ACTOR.STEP, and N counts its executions from 1.
	Step string `json:"step"`
	N    int    `json:"n"`
	Op   string `json:"op"`
	// Began is in seconds since the actors started; Seconds is how long it took.
	Began   float64 `json:"began"`
	Seconds float64 `json:"seconds"`
	// Errno is the name of the error, "" for none.
	Errno  string `json:"errno"`
	Result int64  `json:"result"`
	Bytes  int64  `json:"bytes,omitempty"`
	Value  string `json:"value,omitempty"`
}

// NewRecord returns a result for programs.
func NewRecord(r *result.Result) *Record {
	s := r.Scenario
	rec := &Record{
		Scenario: s.Name, Case: s.Case, Family: string(s.Family), ID: r.ID(), Status: statusOf(r),
		Seconds: r.Took.Seconds(), Seed: r.Seed, Dir: r.Dir,
		Verdicts: r.Verdicts, Steps: []StepRecord{}, Faults: []faultLine{},
	}
	if rec.Verdicts == nil {
		rec.Verdicts = []assertions.Verdict{}
	}
	if r.Err != nil {
		rec.Error = r.Err.Error()
	}
	if r.Trace == nil {
		return rec
	}
	if run := r.Trace.Run(); run != nil {
		rec.Kernel = run.Kernel
	}
	if end, _ := r.Trace.End(); end != nil {
		rec.Ended, rec.Hanging = string(end.Reason), end.Hanging
	}
	rec.Faults = append(rec.Faults, faultLines(r.Trace)...)
	start := r.Trace.Started()
	for i := range r.Trace.Events {
		e := &r.Trace.Events[i]
		if st := e.Step; st != nil {
			rec.Steps = append(rec.Steps, StepRecord{
				Step: st.Actor + "." + st.ID, N: st.N, Op: st.Op,
				Began: (st.Began - start).Seconds(), Seconds: (e.T - st.Began).Seconds(),
				Errno: st.Errno, Result: st.Result, Bytes: st.Bytes, Value: st.Value,
			})
		}
	}
	return rec
}

// statusOf returns the status of a result: a canceled run is one without a verdict.
func statusOf(r *result.Result) string {
	if r.Status == result.Canceled {
		return string(result.Error)
	}
	return string(r.Status)
}

// WriteJSON writes a result as one line of JSON.
func WriteJSON(w io.Writer, r *result.Result) error { return encode(w, r, "") }

// WriteVerdict writes the same indented, as verdict.json has it.
func WriteVerdict(w io.Writer, r *result.Result) error { return encode(w, r, "  ") }

func encode(w io.Writer, r *result.Result, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(NewRecord(r)); err != nil {
		return fmt.Errorf("writing the verdict of %s: %w", r.ID(), err)
	}
	return nil
}

// newJSON returns the view for programs.
func newJSON(o Output) View { return &jsonView{out: o.Out, errs: o.Errs} }

// jsonView is for programs: a line of JSON for each run, in the order they end. What is not a run goes to errs.
type jsonView struct {
	errs io.Writer

	mu  sync.Mutex
	out io.Writer
	err error
}

func (v *jsonView) Begin(*result.Run) {}

func (v *jsonView) Event(*result.Run, *trace.Event) {}

func (v *jsonView) End(r *result.Result) {
	if r.Status == result.Canceled {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.err = WriteJSON(v.out, r)
	}
}

func (v *jsonView) Close(results []result.Result, e Ending) error {
	_, stopped := finished(results)
	fmt.Fprint(v.errs, interrupted(stopped, len(results)), lineOf(e.LeftOut))
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}
