package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// Record is a result for programs: a line of `--format json`, and the file verdict.json. Keys may
// be added, but never changed or removed.
type Record struct {
	// Scenario, Case and Family say what was run; ID is the name of the run for people. File is the
	// file of the scenario, which tells it from others of its name.
	Scenario string `json:"scenario"`
	File     string `json:"file,omitempty"`
	Case     string `json:"case"`
	Family   string `json:"family"`
	ID       string `json:"id"`
	// Params are the values of the parameters of the case.
	Params map[string]string `json:"params,omitempty"`
	// Status is pass, fail, inconclusive, skip or error. Error says why there is no verdict.
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
	// Seconds is the real time that the whole run took.
	Seconds float64 `json:"seconds"`
	Seed    uint64  `json:"seed"`
	// Kernel is uname -r.
	Kernel string `json:"kernel,omitempty"`
	// Ended is why the run ended: done, deadline or canceled. Hanging lists the steps that had not
	// ended.
	Ended   string   `json:"ended,omitempty"`
	Hanging []string `json:"hanging,omitempty"`
	// Attempts are the runs before this one that were inconclusive.
	Attempts []result.Attempt `json:"attempts,omitempty"`
	// Once says why an inconclusive run was not repeated although such runs are; "" for all others.
	Once string `json:"once,omitempty"`
	// Verdicts are in the order of the scenario's expect list. Their packets and sockets are
	// indexes of events in the trace, from 0.
	Verdicts []assertions.Verdict `json:"verdicts"`
	Steps    []StepRecord         `json:"steps"`
	Faults   []faultLine          `json:"faults"`
	// Late is how late the lab was, by 1 ms or more: a line for each of its parts.
	Late []lateLine `json:"late,omitempty"`
	// Dir is the directory with the trace and the capture, "" if they are not stored.
	Dir string `json:"dir,omitempty"`
	// Logs are the files there with what programs wrote.
	Logs []result.Log `json:"logs,omitempty"`
	// Stamp is empty if they are not stored.
	result.Stamp
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
		Scenario: s.Name, File: s.Pos.File, Case: s.Case, Params: s.Params, Family: string(s.Family), ID: r.ID(), Status: statusOf(r),
		Seconds: r.Took.Seconds(), Seed: r.Seed, Dir: r.Dir, Logs: r.Logs, Stamp: r.Stamp,
		Verdicts: r.Verdicts, Attempts: r.Attempts, Once: r.Once, Steps: []StepRecord{}, Faults: []faultLine{},
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
	rec.Late = lateLines(r.Trace)
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

// encode writes JSON. What a terminal would not show as it is, is escaped: encoding/json leaves
// control characters beyond ASCII, and those that turn the direction of writing.
func encode(w io.Writer, record any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(record); err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range text.String() {
		if r == '\n' || strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// newJSON returns the view for programs.
func newJSON(o Output) View { return &jsonView{out: o.Out, errs: o.Errs, logs: newLogs(o, Look{})} }

// jsonView writes a line of JSON to out for each run, in the order they end. Everything else goes
// to errs.
type jsonView struct {
	errs io.Writer
	logs logs

	mu  sync.Mutex
	out io.Writer
	err error
}

func (v *jsonView) Begin(*result.Run) {}

func (v *jsonView) Event(r *result.Run, e *trace.Event) { v.logs.event(r, e, v.Say) }

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

// Say writes a line to the errors.
func (v *jsonView) Say(line string) { fmt.Fprintln(v.errs, line) }

func (v *jsonView) Close(results []result.Result, e Ending) error {
	_, stopped := finished(results, &e)
	fmt.Fprint(v.errs, remedy(results), interrupted(stopped, len(results)+e.Others.Runs()), lineOf(e.LeftOut))
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}
