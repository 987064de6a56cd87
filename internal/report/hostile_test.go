package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Whatever a file, a packet or a program says, a terminal gets no control characters, and no line
// that is not a report's own.
func TestNothingHostileReachesATerminal(t *testing.T) {
	const evil = "\x1b[2J\x1b]0;x\a\r\u202e\u009b\xff\nPASS  everything\n"
	hostile := func(t *testing.T) *result.Result {
		r := failing(t)
		s := *r.Scenario
		s.Name, s.Title, s.Case = s.Name+evil, s.Title+evil, s.Case+evil
		s.Actors = []language.Actor{{Name: "client", Host: "client", Steps: []language.Step{
			{ID: "connect", Op: language.Op{Connect: &language.Connect{To: evil}}},
		}}}
		r.Scenario, r.Dir = &s, r.Dir+evil
		for i := range r.Verdicts {
			v := &r.Verdicts[i]
			v.Title, v.Want, v.Got, v.Pos.File = v.Title+evil, v.Want+evil, v.Got+evil, v.Pos.File+evil
			v.Reason = strings.ReplaceAll(v.Reason+evil, "\nPASS", "\rPASS") // the lines of a reason are its own
		}
		r.Trace.Run().Kernel += evil
		r.Trace.Add(trace.Event{T: start, Note: &trace.Note{Text: evil}})
		r.Trace.Add(trace.Event{T: start, Host: &trace.Host{Name: "h" + evil}})
		r.Trace.Add(trace.Event{T: start, Socket: &trace.Socket{Host: "client", Local: evil, Remote: evil, State: evil}})
		r.Trace.Add(trace.Event{T: start, Step: &trace.Step{Actor: evil, ID: evil, Op: evil, Problem: evil}})
		r.Trace.Add(trace.Event{T: start, Fault: &trace.Fault{Name: evil, What: trace.FaultOn, Mechanism: evil, Why: evil}})
		r.Trace.Sort()
		return r
	}
	broken := func(t *testing.T) *result.Result {
		r := hostile(t)
		r.Verdicts, r.Status, r.Err = nil, result.Error, errorText(evil)
		return r
	}
	for name, draw := range map[string]func(*testing.T) string{
		"the line of a run":         func(t *testing.T) string { return Line(hostile(t), Look{}) },
		"the line of a broken run":  func(t *testing.T) string { return Line(broken(t), Look{}) },
		"a failed run":              func(t *testing.T) string { return Details(hostile(t), Look{}) },
		"a run with all details":    func(t *testing.T) string { return Details(hostile(t), Look{Verbose: true}) },
		"an inspected run":          func(t *testing.T) string { return Inspect(hostile(t), Look{}) },
		"the table of several runs": func(t *testing.T) string { return closingTable([]*result.Result{hostile(t), hostile(t)}, Look{}) },
		"the table of a matrix": func(t *testing.T) string {
			r := hostile(t)
			r.Scenario.Matrix = []language.MatrixValue{{Name: "a" + evil, Value: evil}, {Name: evil, Value: "b" + evil}}
			text, _ := gridTable([]*result.Result{r}, &answers{}, Look{})
			return text
		},
		"the lines of runs that run": func(t *testing.T) string { return progressOf(hostile(t)) },
		"the table of controls":      func(t *testing.T) string { return controlTable(hostileControls(evil), Look{}) },
		"the notes on controls": func(t *testing.T) string {
			return controlNotes(hostileControls(evil), Look{Verbose: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := draw(t)
			if i := strings.IndexFunc(got, func(r rune) bool {
				return r != '\n' && (unicode.IsControl(r) || r == '\u202e' || r == unicode.ReplacementChar)
			}); i >= 0 {
				t.Errorf("raw %q in %q", got[i:min(i+8, len(got))], got)
			}
			if strings.Contains(got, "\nPASS") {
				t.Errorf("a forged line in:\n%s", got)
			}
			if !strings.Contains(got, `\x1b[2J`) {
				t.Errorf("the text is not shown at all:\n%s", got)
			}
		})
	}
}

// hostileControls returns a setting with each proof.
func hostileControls(evil string) []result.Control {
	var all []result.Control
	for _, proof := range []result.Proof{result.Proven, result.Unproven, result.Unknown, result.Exempt} {
		r := &result.Result{
			Run:      result.Run{Scenario: &language.Scenario{Name: evil, Case: evil}},
			Verdicts: []assertions.Verdict{{Title: evil}},
		}
		pos := language.Pos{File: evil, Line: len(all) + 1}
		all = append(all, result.Control{
			Scenario: evil, Proof: proof, Setting: language.Setting{Name: evil, Host: evil, Pos: pos},
			Mark: &language.Unproven{Sysctl: evil, Reason: evil, Pos: pos},
			Runs: []result.ControlRun{
				{Result: r, Proof: result.Proven, By: []int{0}}, {Result: r, Proof: result.Unproven, Why: evil},
			},
		})
	}
	return all
}

// JSON is for programs, but a terminal may show it.
func TestJSONHasNoControlCharacters(t *testing.T) {
	const evil = "\x1b[2J\x7f\u009b\u202e\U000e0041\U0001f600é###[error]"
	var b strings.Builder
	if err := encode(&b, map[string]string{"text": evil}, ""); err != nil {
		t.Fatal(err)
	}
	want := `{"text":"\u001b[2J\u007f\u009b\u202e\udb40\udc41😀é#\u0023#[error]"}` + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back["text"] != evil {
		t.Errorf("read back: %q, %v", back["text"], err)
	}
}

type errorText string

func (e errorText) Error() string { return string(e) }

func progressOf(r *result.Result) string {
	var out lockedBuffer
	p := NewProgress(&out, ProgressOptions{Verbose: true, Total: 1})
	w := p.Case(r.ID(), r.Scenario)
	line := w.line(w.began)
	p.Close()
	return out.String() + line
}
