package report

import (
	"fmt"
	"io"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Control is a setting with what its controls show, for programs: a record of `run --control
// --format json`.
type Control struct {
	Head
	Scenario string `json:"scenario"`
	// Setting is the setting in words; Kind (fault, sysctl, option), Name, Host, Step and Pos are its
	// parts.
	Setting string       `json:"setting"`
	Kind    string       `json:"kind"`
	Name    string       `json:"name"`
	Host    string       `json:"host,omitempty"`
	Step    string       `json:"step,omitempty"`
	Pos     language.Pos `json:"pos,omitzero"`
	// Proof is proven, unproven, exempt, unknown, skip or canceled. Reason is that of the file's
	// control; Superfluous says that the setting is proven nevertheless.
	Proof       string `json:"proof"`
	Reason      string `json:"reason,omitempty"`
	Superfluous bool   `json:"superfluous,omitempty"`
	// Runs are the runs without the setting.
	Runs []ControlRunRecord `json:"runs"`
}

// ControlRunRecord is a run without a setting.
type ControlRunRecord struct {
	Case   string `json:"case"`
	Family string `json:"family"`
	N      int    `json:"n,omitempty"`
	Proof  string `json:"proof"`
	// By are the titles of the expectations that fail without the setting; Why says why there is no
	// proof.
	By      []string `json:"by,omitempty"`
	Why     string   `json:"why,omitempty"`
	Seconds float64  `json:"seconds"`
	// Dir is the directory of the run, "" if it is not stored.
	Dir string `json:"dir,omitempty"`
}

// NewControl returns the record of a setting.
func NewControl(c *result.Control) *Control {
	s := &c.Setting
	rec := &Control{
		Head: head(ControlRecord), Scenario: c.Scenario, Setting: s.String(), Kind: string(s.Kind), Name: s.Name,
		Host: s.Host, Step: s.Step, Pos: s.Pos, Proof: string(c.Proof),
		Runs: []ControlRunRecord{},
	}
	if c.Mark != nil {
		rec.Reason, rec.Superfluous = c.Mark.Reason, c.Proof == result.Proven
	}
	for i := range c.Runs {
		r := &c.Runs[i]
		run := ControlRunRecord{
			Case: r.Scenario.Case, Family: string(r.Scenario.Family), N: r.N,
			Proof: string(r.Proof), Why: r.Why, Seconds: r.Took.Seconds(), Dir: r.Dir,
		}
		for _, v := range r.By {
			run.By = append(run.By, r.Verdicts[v].Title)
		}
		rec.Runs = append(rec.Runs, run)
	}
	return rec
}

// newControlJSON returns the view of controls for programs.
func newControlJSON(o Output) View { return &controlJSONView{newLines(o), o.Errs, newLogs(o, Look{})} }

// controlJSONView writes a record for each setting, at the end, and to errs the runs of cases that did
// not pass.
type controlJSONView struct {
	*lines
	errs io.Writer
	logs logs
}

func (*controlJSONView) Begin(*result.Run) {}

func (v *controlJSONView) Event(r *result.Run, e *trace.Event) { v.logs.event(r, e, v.Say) }

func (*controlJSONView) End(*result.Result) {}

// Say writes a line to the errors.
func (v *controlJSONView) Say(line string) { fmt.Fprintln(v.errs, line) }

func (v *controlJSONView) Close(results []result.Result, e Ending) error {
	for i := range results {
		r := &results[i]
		if r.Scenario.Without == nil && r.Ended() && r.Status != result.Pass {
			fmt.Fprintln(v.errs, Line(r, Look{}))
		}
	}
	fmt.Fprint(v.errs, e.early(results), lineOf(e.LeftOut))
	controls := result.Controls(results)
	for i := range controls {
		v.write(NewControl(&controls[i]))
	}
	return v.end(results, e)
}
