package report

import (
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"halfopen/harness/suite/result"
)

func TestMarkdown(t *testing.T) {
	o, e := leaving()
	text := written(t, "markdown", o, outcomes(t), e)
	golden(t, "report.md", regexp.MustCompile(` in [0-9.]+s`).ReplaceAllString(text, " in 0.00s"))
}

// The time of a suite that several machines shared is not that of its report.
func TestMarkdownHasTheTimeOfTheSuite(t *testing.T) {
	for _, format := range []string{"markdown", "github"} {
		var summary strings.Builder
		text := written(t, format, Output{Summary: &summary, SummaryRoom: mostMarkdown}, outcomes(t), Ending{Took: 83 * time.Second})
		if !strings.Contains(text+summary.String(), " could not be judged in 83") {
			t.Errorf("%s: %s%s", format, text, summary.String())
		}
	}
}

// Nothing from a file or a program is markup in the table, or ends a block of code.
func TestNothingHostileIsMarkup(t *testing.T) {
	const evil = "|<b>x</b>`*a*_b_[c](http://d) @me www.d.com #1 $x$ &amp; :+1: ~~e~~ \\| \x1b\n</details>\n```\n# heading"
	r := failing(t)
	s := *r.Scenario
	s.Name, s.Case = evil, evil
	r.Scenario = &s
	r.Verdicts[0].Title, r.Verdicts[0].Got = evil, evil
	r.Verdicts[1].Reason, r.Verdicts[1].Packets = "seen\n```\n````\n</details>", nil
	broken := &result.Result{Run: r.Run, Status: result.Error, Err: errors.New(evil)}
	text := written(t, "markdown", Output{Refused: []Refused{NewRefused(evil, errors.New(evil))}}, []result.Result{*r, *broken}, Ending{LeftOut: evil})
	before, block, ok := strings.Cut(text, "\n`````text\n")
	block, after, ended := strings.Cut(block, "\n`````\n")
	if !ok || !ended || !strings.Contains(block, "````") {
		t.Fatalf("no block with a longer fence in:\n%s", text)
	}
	tags := regexp.MustCompile(`</?(code|details|summary)>`)
	if rest := tags.ReplaceAllString(before+after, ""); strings.ContainsAny(rest, "<>`@[]\\\x1b$~") ||
		strings.Contains(rest, "\n</details>\n#") {
		t.Errorf("markup in:\n%s", rest)
	}
	if strings.Contains(before, "www.") {
		t.Errorf("a link in:\n%s", before)
	}
	for line := range strings.Lines(before) {
		if strings.HasPrefix(line, "| ") && strings.Count(line, "|") != 7 {
			t.Errorf("%d columns: %s", strings.Count(line, "|")-1, line)
		}
	}
}

// The Markdown of very many failures stays below the limit of GitHub, and says what is left out.
func TestMarkdownIsCut(t *testing.T) {
	notRaced(t)
	for _, tt := range []struct {
		name   string
		status result.Status
		runs   int
		want   []string
	}{
		{"failures that are drawn", result.Fail, 250, []string{
			"## halfopen: 0 passed, 250 failed", "<code>v4 &#35;250</code>",
			" more runs: halfopen run --out DIR stores each, and halfopen inspect draws it.\n",
		}},
		{"more than the table has rows", result.Fail, 1010, []string{"The table has no room for 10 more runs.\n"}},
		{"runs that passed", result.Pass, 1500, []string{"## halfopen: 1500 passed", "The table has no room for 1500 more runs.\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newMarkdown(Output{Errs: &strings.Builder{}}).(*markdownView)
			var all []result.Result
			for i := range tt.runs {
				r := *failing(t)
				s := *r.Scenario
				s.Case = ""
				r.Scenario, r.Status, r.Index, r.N = &s, tt.status, i, i+1
				r.Verdicts = append(r.Verdicts[:0:0], r.Verdicts...)
				r.Verdicts[0].Title = fmt.Sprintf("%d %s", i, strings.Repeat("x", 2000)) // so that no two are alike
				r.Scenario.Name = fmt.Sprintf("s%d", i)
				v.End(&r)
				all = append(all, r)
			}
			var out strings.Builder
			v.o.Out = &out
			if err := v.Close(all, Ending{}); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			if len(text) > mostMarkdown || strings.Count(text, "<details>") != strings.Count(text, "</details>\n") {
				t.Errorf("%d bytes, %d details, %d of them ended", len(text), strings.Count(text, "<details>"), strings.Count(text, "</details>\n"))
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in %.300s ... %s", want, text, text[max(len(text)-300, 0):])
				}
			}
		})
	}
}

// notRaced skips a test of many runs under the race detector, which takes many times as long. Such a test
// starts no goroutine.
func notRaced(t *testing.T) {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("nothing in this test races")
	}
}
