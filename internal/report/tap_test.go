package report

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"halfopen/harness/suite/result"
	"halfopen/internal/testlab"
)

func TestTAP(t *testing.T) {
	o, e := leaving()
	text := written(t, "tap", o, outcomes(t), e)
	golden(t, "report.tap", text)
	if got := written(t, "tap", Output{TAP: 14}, nil, Ending{}); !strings.HasPrefix(got, "TAP version 14\n1..0\n") {
		t.Errorf("for a harness that asks for version 14: %q", got)
	}
}

// The diagnostic blocks are YAML, whatever a file or a program says.
func TestTheBlocksOfTAPAreYAML(t *testing.T) {
	const evil = "\x1b[2J\n...\nok 9 - \\ \" # TODO \u2028: {- |\n"
	r := failing(t)
	s := *r.Scenario
	s.Name, s.Pos.File = "name"+evil, "file"+evil
	r.Scenario, r.Dir, r.Verdicts[0].Title, r.Verdicts[0].Pos.File = &s, evil, evil, evil
	text := written(t, "tap", Output{}, []result.Result{*r}, Ending{})
	const point = `not ok 1 - name\\x1b[2J\\n...\\nok 9 - \\ " \# TODO \\u2028: {- |\\n retries=1 v4 (fail)`
	_, block, ok := strings.Cut(text, point+"\n  ---\n")
	block, rest, ended := strings.Cut(block, "\n  ...\n")
	if !ok || !ended || rest != "" {
		t.Fatalf("no test point and its block in:\n%s", text)
	}
	var got struct {
		Message, Severity, Details string
		At                         struct {
			File         string
			Line, Column int
		}
		Verdicts []map[string]string
	}
	if err := yaml.Unmarshal([]byte(block), &got); err != nil {
		t.Fatalf("%v in:\n%s", err, block)
	}
	if got.Severity != "fail" || got.At.Line != 31 || got.At.Column != 5 || len(got.Verdicts) != 3 ||
		got.Verdicts[2]["got"] != "SYN_SENT from 100µs to 3.071s" ||
		!strings.Contains(got.Details, "│── SYN again seq=0 win=64240 mss=1460 ──────────✗ silent-server  │\n") {
		t.Errorf("the block is %+v", got)
	}
}

// prove reads the report, and agrees with it.
func TestProveReadsTAP(t *testing.T) {
	prove := testlab.NeedProgram(t, "prove")
	all := outcomes(t)
	var passed []result.Result
	for _, r := range all {
		if r.Status == result.Pass || r.Status == result.Skip {
			passed = append(passed, r)
		}
	}
	broken := result.Result{Run: all[0].Run, Status: result.Error, Err: errors.New("# \\ \" ' : - | { # SKIP")}
	var others result.Tally
	others.Count(result.NotRun, 2)
	refused := []Refused{NewRefused("x.yaml", wrongKey)}
	for _, tt := range []struct {
		name    string
		results []result.Result
		e       Ending
		want    []string
		never   string
	}{
		{"passed and skipped", passed, Ending{LeftOut: "left out: not ok 1"}, []string{"Tests=3", "Result: PASS"}, "Parse errors"},
		{"of each outcome, and a file that is wrong", all, Ending{}, []string{"Failed tests:  2, 5-8\n", "Tests=8", "Result: FAIL"}, "Parse errors"},
		{"an error that looks like TAP", []result.Result{broken}, Ending{}, []string{"Failed test:  1\n", "Result: FAIL"}, "Parse errors"},
		{"interrupted", passed, Ending{Others: others}, []string{"Bailout called.  Further testing stopped:  interrupted: 2 of 5 runs were canceled or not started"}, "know"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, o := filepath.Join(t.TempDir(), "report.t"), Output{}
			if strings.Contains(tt.name, "wrong") {
				o.Refused = refused
			}
			if err := os.WriteFile(path, []byte(written(t, "tap", o, tt.results, tt.e)), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(prove, "-e", "cat", path).CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("prove does not say %q:\n%s", want, out)
				}
			}
			if strings.Contains(string(out), tt.never) {
				t.Errorf("prove says %q:\n%s", tt.never, out)
			}
		})
	}
}
