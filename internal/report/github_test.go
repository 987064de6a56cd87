package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/scenarios/language"
)

// inFile returns a failing run of a scenario whose file is in a directory.
func inFile(t *testing.T, dir, name string) *result.Result {
	r := failing(t)
	s := *r.Scenario
	s.Dir, s.Pos = dir, language.Pos{File: name, Line: 1, Col: 1}
	r.Scenario, r.Verdicts, r.Rerun = &s, r.Verdicts[:1], "halfopen run "+name+" --seed 7"
	r.Verdicts[0].Pos.File, r.Verdicts[0].Got, r.Verdicts[0].Want = name, "100 %: nothing,\nat all", ""
	return r
}

func TestAnnotationsAreAtTheExpectation(t *testing.T) {
	checkout := t.TempDir()
	real := filepath.Join(checkout, "real")
	link := filepath.Join(checkout, "link")
	for _, err := range []error{os.MkdirAll(filepath.Join(real, "a,b"), 0o700), os.Symlink("real", link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(real, "a,b", "my.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const message = "syn-retry-backoff retries=1 v4%0Asaw 100 %25: nothing,\\nat all%0Aat "
	for _, tt := range []struct {
		name, root, dir, file string
		want                  string
	}{
		{"in the checkout", real, filepath.Join(real, "a,b"), "a,b/my.yaml", "file=a%2Cb/my.yaml,line=31,col=5,"},
		{"by another way into it", link, filepath.Join(real, "a,b"), "my.yaml", "file=a%2Cb/my.yaml,line=31,col=5,"},
		{"outside", filepath.Join(real, "other"), filepath.Join(real, "a,b"), "../a,b/my.yaml", ""},
		{"without a checkout", "", filepath.Join(real, "a,b"), "my.yaml", ""},
		{"of the library", real, "", "handshake/x.yaml", ""},
		{"of the standard input", real, real, "-", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := inFile(t, tt.dir, tt.file)
			got := written(t, "github", Output{Root: tt.root}, []result.Result{*r}, Ending{})
			want := "::error " + tt.want + "title=syn-retry-backoff%3A client.connect%3A ETIMEDOUT after 63s::" + message + tt.file +
				":31:5%0Ahalfopen run " + tt.file + " --seed 7\n"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachMistakeOfAFileIsAnnotatedAtItsLine(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	in := func(file string) error {
		e := *wrongKey
		e.Pos.File, e.Pos.Line = file, 3
		return &e
	}
	const wrong = `unknown key "hots"`
	for _, tt := range []struct {
		name, root string
		file       string
		err        error
		want       string
	}{
		{
			"two in the checkout", here, "a/x.yaml", errors.Join(in("a/x.yaml"), in("a/x.yaml")), strings.Repeat(
				"::error file=a/x.yaml,line=3,col=1,title=a/x.yaml%3A unknown-key::a/x.yaml:3:1: "+wrong+"\n", 2),
		},
		{"without a checkout", "", "x.yaml", in("x.yaml"), "::error title=x.yaml%3A unknown-key::x.yaml:3:1: " + wrong + "\n"},
		{
			"outside", filepath.Join(here, "other"), "x.yaml", in("x.yaml"),
			"::error title=x.yaml%3A unknown-key::x.yaml:3:1: " + wrong + "\n",
		},
		{"the standard input", here, "-", in("-"), "::error title=-%3A unknown-key::-:3:1: " + wrong + "\n"},
		{"without a place", here, "x", errors.New("gone\x1b[2J"), "::error title=x%3A unreadable-file::gone\\x1b[2J\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Output{Root: tt.root, Refused: []Refused{NewRefused(tt.file, tt.err)}}
			if diff := cmp.Diff(tt.want, written(t, "github", o, nil, Ending{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnnotationsOfEachOutcome(t *testing.T) {
	o, e := leaving()
	golden(t, "github.txt", written(t, "github", o, outcomes(t), e))
}

// GitHub shows ten annotations of a kind: the tenth counts the others.
func TestAnnotationsAreCounted(t *testing.T) {
	for _, tt := range []struct {
		name          string
		places, times int
		want          int
		last          string
	}{
		{"ten", 10, 1, 10, "::error title=syn-retry-backoff%3A 9::"},
		{"eleven", 11, 1, 10, "::error title=halfopen::2 more of this kind are in the log\n"},
		{"one of many runs", 1, 500, 1, "%0Aand in 499 other runs\n"},
		{"more than are kept", mostNotes + 5, 1, 10, fmt.Sprintf("::%d more of this kind are in the log\n", mostNotes+5-9)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []result.Result
			for i := range tt.places * tt.times {
				r := *inFile(t, "", "x.yaml")
				r.Verdicts[0].Title, r.Index, r.N = fmt.Sprint(i%tt.places), i, i+1
				all = append(all, r)
			}
			lines := strings.SplitAfter(strings.TrimSuffix(written(t, "github", Output{}, all, Ending{}), "\n"), "\n")
			if last := lines[len(lines)-1] + "\n"; len(lines) != tt.want || !strings.Contains(last, tt.last) {
				t.Errorf("%d annotations, want %d; the last is %q, want %q", len(lines), tt.want, last, tt.last)
			}
		})
	}
}

// The summary is Markdown, and takes no more room than there is.
func TestTheSummaryOfAStep(t *testing.T) {
	var summary strings.Builder
	all := outcomes(t)
	text := written(t, "github", Output{Summary: &summary, SummaryRoom: 6000}, all, Ending{Seed: 7})
	if !strings.HasPrefix(summary.String(), "## halfopen: 2 passed, 1 failed, 1 skipped, 1 inconclusive, 1 could not be judged in ") ||
		strings.Contains(text, "##") || summary.Len() > 6000 || !strings.Contains(summary.String(), "There is no room to draw ") {
		t.Errorf("%d bytes:\n%s", summary.Len(), summary.String())
	}
	full := 0
	if text := written(t, "github", Output{Summary: &summary, SummaryRoom: full}, all, Ending{}); !strings.Contains(text, "::error") {
		t.Errorf("without room for a summary: %q", text)
	}
}

// What a program prints is no command.
func TestNothingHostileIsACommand(t *testing.T) {
	r := inFile(t, "", "x.yaml")
	r.Verdicts[0].Title, r.Verdicts[0].Got = "a\n::stop-commands::x\r\n::", "b\r\n::add-mask::x"
	text := written(t, "github", Output{}, []result.Result{*r}, Ending{LeftOut: "\n::error::x"})
	if strings.Count(text, "\n") != 1 || strings.ContainsAny(text, "\r") || strings.Count(text, "::error") != 1 {
		t.Errorf("%q", text)
	}
}
