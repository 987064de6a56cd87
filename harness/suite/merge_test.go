package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

// sharedSuite has runs that pass, fail, and are inconclusive at first, each twice, on both IP versions.
const sharedSuite = `
name: shared
title: a step with a time
ip: [v4, v6]
hosts: {client: {}}
cases: [{t: 45ms}, {t: 90ms}, {t: 300ms}]
actors:
  client: [sleep: 40ms]
expect:
  - {step: client.sleep, took: 40ms..50ms}
`

// asShard runs a shard of the suite in a directory, in labs that are made up: a step of 90 ms is late by
// 70 ms the first time.
func asShard(t *testing.T, shard Shard, dir string, seed uint64) {
	t.Helper()
	withOptions(t, Options{Seed: seed, Repeat: 2, Dir: dir, Shard: shard, Jobs: 1})
}

// withOptions is asShard with other options.
func withOptions(t *testing.T, o Options) {
	t.Helper()
	shard, dir, seed := o.Shard, o.Dir, o.Seed
	f, err := language.Parse("shared.yaml", []byte(sharedSuite))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(cases, o)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]int{}
	s.lab = func(_ context.Context, c *language.Scenario, o harness.Options) (*trace.Trace, error) {
		step, err := time.ParseDuration(c.Params["t"])
		if err != nil {
			return nil, err
		}
		run := fmt.Sprint(c.ID(), o.Seed)
		if tried[run]++; c.Case == "t=90ms" && tried[run] > 1 {
			step = 45 * time.Millisecond
		}
		source, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		const start = time.Second
		tr := trace.Of([]trace.Event{
			{Run: &trace.Run{Scenario: c.Name, Case: c.Case, Family: string(c.Family), Seed: o.Seed, Source: source, Kernel: "6.18"}},
			{T: start, Start: &trace.Start{}},
			{T: start, Start: &trace.Start{Actor: "client", Step: "sleep", Op: "sleep", N: 1}},
			{T: start + step, Step: &trace.Step{Actor: "client", ID: "sleep", Op: "sleep", N: 1, Began: start}},
			{T: start + step, End: &trace.End{Reason: trace.EndDone}},
		}...)
		if step == 90*time.Millisecond {
			tr.Events[3].Step.Late = 70 * time.Millisecond
		}
		o.Complete(tr)
		return tr, nil
	}
	plan, err := s.Plan()
	if err != nil {
		t.Fatal(err)
	}
	first := report.Suite{Version: "v1", Kernel: "6.18", Began: time.Now(), Seed: seed, Plan: plan}
	if !shard.IsZero() {
		first.Shard = &shard
	}
	records, err := os.Create(filepath.Join(dir, result.IndexFile))
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	format, err := report.FormatNamed("json")
	if err != nil {
		t.Fatal(err)
	}
	view := format.New(report.Output{Out: records, Errs: io.Discard, Runs: s.Count(), Suite: first, Base: dir})
	results, err := s.Run(t.Context(), view)
	if err != nil {
		t.Fatal(err)
	}
	exit := 0
	if slices.ContainsFunc(results.Kept, func(r Result) bool { return r.Status == Fail }) {
		exit = 1
	}
	err = view.Close(results.Kept, report.Ending{
		Seed: seed, Exit: exit, Others: results.Others, Repeated: results.Repeated, Stop: results.Stop, Rest: results.Rest,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// shardsOf runs all shards of the suite, and returns their directories.
func shardsOf(t *testing.T, of int) (parts []Part) {
	t.Helper()
	for i := range of {
		dir := filepath.Join(t.TempDir(), fmt.Sprint("shard-", i+1))
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		asShard(t, Shard{Index: i + 1, Of: of}, dir, 7)
		parts = append(parts, partIn(dir))
	}
	return parts
}

// copies returns copies of shards that a test may change.
func copies(t *testing.T, parts []Part) (all []Part) {
	t.Helper()
	for _, p := range parts {
		dir := filepath.Join(t.TempDir(), p.Name)
		if err := os.CopyFS(dir, os.DirFS(p.Dir)); err != nil {
			t.Fatal(err)
		}
		all = append(all, partIn(dir))
	}
	return all
}

func partIn(dir string) Part {
	return Part{Name: filepath.Base(dir), Records: filepath.Join(dir, result.IndexFile), Dir: dir}
}

var times = regexp.MustCompile(`(?m)\d\d\d\d-\d\d-\d\dT[0-9:.]+Z?|"seconds":[0-9.e-]+|time="[0-9.]+"|seconds: [0-9.]+|took [0-9.]+m?s| [0-9.]+ ?s\b`)

// reports writes a merged suite in all formats that are in its order, and its records, sorted; without
// times.
func reports(t *testing.T, parts []Part, out string) map[string]string {
	t.Helper()
	m, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range report.Formats {
		var text bytes.Buffer
		o := m.Output()
		o.Out, o.Errs = &text, io.Discard
		view := f.New(o)
		results, err := m.Run(t.Context(), view, func(_ Part, dir string) (string, error) { return filepath.Join(out, dir), nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := view.Close(results.Kept, m.Ending(&results)); err != nil {
			t.Fatal(err)
		}
		plain := times.ReplaceAllString(text.String(), "TIME")
		if f.Grows {
			lines := strings.Split(plain, "\n")
			slices.Sort(lines)
			plain = strings.Join(lines, "\n")
		}
		all[f.Name] = plain
	}
	return all
}

func TestMergedReportsAreThoseOfOneMachine(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	if err := os.Mkdir(whole, 0o777); err != nil {
		t.Fatal(err)
	}
	asShard(t, Shard{}, whole, 7)
	want := reports(t, []Part{partIn(whole)}, "out")
	for _, of := range []int{1, 2, 13} {
		t.Run(fmt.Sprint(of, " shards"), func(t *testing.T) {
			parts := shardsOf(t, of)
			slices.Reverse(parts)
			if d := cmp.Diff(want, reports(t, parts, "out")); d != "" {
				t.Errorf("reports (-one machine +merged):\n%s", d)
			}
		})
	}
	if !strings.Contains(want["junit"], `tests="12" failures="4"`) {
		t.Errorf("the report does not have all runs:\n%s", want["junit"])
	}
}

func TestMergedEvidence(t *testing.T) {
	parts := shardsOf(t, 3)
	m, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "below", "merged")
	if err := m.Store(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, p := range parts {
		for name, text := range textsIn(t, p.Dir) {
			if name != result.IndexFile {
				want[name] = text
			}
		}
	}
	got := textsIn(t, out)
	delete(got, result.IndexFile)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("files (-of the shards +merged):\n%s", d)
	}
	// What was merged can be merged: it has all runs.
	again, err := Merge([]Part{partIn(out)})
	if err != nil || again.Exit != 1 || again.suite.Plan.SHA256 != m.suite.Plan.SHA256 {
		t.Errorf("read again: %+v, %v", again, err)
	}
	if err := m.Store(t.Context(), out); err == nil || !strings.Contains(err.Error(), "has files: want a new directory, or an empty one") {
		t.Errorf("stored twice: %v", err)
	}
}

// textsIn returns the text of all files below a directory.
func textsIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Shards that end early do not run all repetitions of a case.
func TestMergedReportsNameWhatNeverBegan(t *testing.T) {
	whole := t.TempDir()
	withOptions(t, Options{Seed: 7, Repeat: 4, Dir: whole, Jobs: 1, FailFast: true})
	var parts []Part
	for i := range 3 {
		dir := t.TempDir()
		withOptions(t, Options{Seed: 7, Repeat: 4, Dir: dir, Jobs: 1, FailFast: true, Shard: Shard{Index: i + 1, Of: 3}})
		parts = append(parts, partIn(dir))
	}
	for name, parts := range map[string][]Part{"one machine": {partIn(whole)}, "shards": parts} {
		m, err := Merge(parts)
		if err != nil {
			t.Fatal(err)
		}
		results, err := m.Run(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		times, last := 0, -1
		for _, r := range results.Rest {
			if r.All != 4 || r.Run.Index <= last || r.Run.Index%4 != 0 {
				t.Errorf("%s: %d of %d of %s, run %d after %d", name, r.Times, r.All, r.Run.ID(), r.Run.Index, last)
			}
			times, last = times+r.Times, r.Run.Index
		}
		if never := results.Others.With(NotRun); times == 0 || times != never || results.Stop != result.FailFast {
			t.Errorf("%s: %d runs are named, and %d never began: %s", name, times, never, result.RestText(results.Rest))
		}
		if e := m.Ending(&results); len(e.Rest) != len(results.Rest) {
			t.Errorf("%s: the reports name %d", name, len(e.Rest))
		}
	}
}

func TestShardsThatCannotBeMerged(t *testing.T) {
	// edit changes the records of a part.
	edit := func(t *testing.T, p Part, change func(string) string) {
		t.Helper()
		text, err := os.ReadFile(p.Records)
		if err != nil {
			t.Fatal(err)
		}
		changed := change(string(text))
		if changed == string(text) {
			t.Fatal("nothing was changed")
		}
		if err := os.WriteFile(p.Records, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// without removes the lines that have a text.
	without := func(what string, most int) func(string) string {
		return func(text string) string {
			var kept []string
			for line := range strings.Lines(text) {
				if most > 0 && strings.Contains(line, what) {
					most--
					continue
				}
				kept = append(kept, line)
			}
			return strings.Join(kept, "")
		}
	}
	whole := shardsOf(t, 3)
	replace := func(old, now string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, now, 1) }
	}
	for _, tt := range []struct {
		name   string
		change func(*testing.T, []Part) []Part
		want   string
	}{
		{"none", func(*testing.T, []Part) []Part { return nil }, `^there is nothing to merge$`},
		{"one is missing", func(_ *testing.T, p []Part) []Part { return p[:2] }, `^missing: shard 3/3, with 4 of 12 runs$`},
		{"one is there twice", func(_ *testing.T, p []Part) []Part { return append(p, p[1]) }, `^shard 2/3 is there twice: shard-2 and shard-2$`},
		{"another seed", func(t *testing.T, p []Part) []Part { asShard(t, Shard{Index: 3, Of: 3}, p[2].Dir, 8); return p }, `^shard-3 is of another plan than shard-1: seed 8, not 7$`},
		{"another version", func(t *testing.T, p []Part) []Part {
			edit(t, p[2], func(text string) string {
				return regexp.MustCompile(`"plan":{"sha256":"[^"]*","version":"[^"]*"`).ReplaceAllString(text, `"plan":{"sha256":"x","version":"v0"`)
			})
			return p
		}, `^shard-3 is of another plan than shard-1: halfopen v0, not .*$`},
		{"another number of shards", func(t *testing.T, p []Part) []Part {
			edit(t, p[2], replace(`"shard":{"index":3,"of":3}`, `"shard":{"index":3,"of":4}`))
			return p
		}, `^shard-3 is shard 3/4, and shard-1 is shard 1/3: they have other numbers of shards$`},
		{"a shard beside the whole suite", func(t *testing.T, p []Part) []Part {
			asShard(t, Shard{}, p[2].Dir, 7)
			return p
		}, `^shard-3 is shard 1/1, and shard-1 is shard 1/3: they have other numbers of shards$`},
		{"killed", func(t *testing.T, p []Part) []Part { edit(t, p[1], without(`"summary"`, 1)); return p }, `^shard-2: the run of shard 2/3 was killed, or goes on: it has no summary, and 4 of 4 runs$`},
		{"killed in the middle", func(t *testing.T, p []Part) []Part {
			edit(t, p[1], without(`"summary"`, 1))
			edit(t, p[1], without(`"record":"run"`, 1))
			return p
		}, `^shard-2: the run of shard 2/3 was killed, or goes on: it has no summary, and 3 of 4 runs; these were going on: shared t=.* #[12]$`},
		{"cut off", func(t *testing.T, p []Part) []Part {
			edit(t, p[1], func(text string) string { return text[:len(text)-9] })
			return p
		}, `results.ndjson:\d+: the file is truncated: its last line has no end$`},
		{"a run is missing", func(t *testing.T, p []Part) []Part { edit(t, p[1], without(`"record":"run"`, 1)); return p }, `^shard-2: it has 3 ended and 0 canceled runs, and its summary counts 4 and 0, of 4: records are missing$`},
		{"a run is there twice", func(t *testing.T, p []Part) []Part {
			edit(t, p[1], func(text string) string {
				for line := range strings.Lines(text) {
					if strings.Contains(line, `"record":"run"`) {
						return strings.Replace(text, line, line+line, 1)
					}
				}
				return text
			})
			return p
		}, `^shard-2: run \d+ is there twice: shared t=.*, and shared t=.*$`},
		{"an index beyond the suite", func(t *testing.T, p []Part) []Part {
			edit(t, p[1], func(text string) string {
				return regexp.MustCompile(`"record":"run","index":\d+`).ReplaceAllString(without(`"record":"run"`, 3)(text), `"record":"run","index":99`)
			})
			edit(t, p[1], replace(`"runs":4,"plan"`, `"runs":1,"plan"`))
			edit(t, p[1], func(text string) string {
				return regexp.MustCompile(`"record":"summary","runs":4,"counts":{[^}]*}`).ReplaceAllString(text, `"record":"summary","runs":1,"counts":{"pass":1}`)
			})
			return p
		}, `^shard-2: shared t=.* is run 100 of 12$`},
		{"another schema", func(t *testing.T, p []Part) []Part { edit(t, p[1], replace(`"schema":1`, `"schema":2`)); return p }, `results.ndjson:1: the record has schema 2: this version of halfopen reads schema 1$`},
		{"an exit status that no suite has", func(t *testing.T, p []Part) []Part {
			edit(t, p[1], func(text string) string { return regexp.MustCompile(`"exit":\d+`).ReplaceAllString(text, `"exit":99`) })
			return p
		}, `^shard-2: invalid exit status 99$`},
		{"controls", func(t *testing.T, p []Part) []Part {
			edit(t, p[1], replace(`"seed":"7"`, `"flags":["control=true"],"seed":"7"`))
			return p
		}, `^shard-2: this suite was run with --control, and such suites are not merged$`},
		{"no plan", func(t *testing.T, p []Part) []Part {
			edit(t, p[1], func(text string) string {
				return regexp.MustCompile(`"plan":{[^}]*},`).ReplaceAllString(text, "")
			})
			return p
		}, `^shard-2: the record of the suite has no plan, which says what all shards run$`},
		{"no records", func(t *testing.T, p []Part) []Part {
			if err := os.Remove(p[1].Records); err != nil {
				t.Fatal(err)
			}
			return p
		}, `^shard-2: .*results.ndjson: no such file or directory$`},
		{"several at once", func(t *testing.T, p []Part) []Part {
			edit(t, p[0], without(`"summary"`, 1))
			edit(t, p[1], replace(`"schema":1`, `"schema":2`))
			return p
		}, `(?s)^shard-1: the run of shard 1/3 was killed.*\n.*the record has schema 2`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Merge(tt.change(t, copies(t, whole)))
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
		})
	}
}

func TestEvidenceThatCannotBeMerged(t *testing.T) {
	whole := shardsOf(t, 3)
	// some returns the directory of a run of the first part.
	some := func(t *testing.T, p Part) string {
		t.Helper()
		dirs, err := result.Find(p.Dir)
		if err != nil || len(dirs) == 0 {
			t.Fatal(dirs, err)
		}
		return dirs[0]
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, dir, other string) error
		want   string
	}{
		{"a trace that was changed", func(_ *testing.T, dir, _ string) error {
			name := filepath.Join(dir, result.TraceFile)
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			return os.WriteFile(name, bytes.Replace(text, []byte(`"sleep"`), []byte(`"sleep" `), 1), 0o644)
		}, `trace.ndjson is not the one that was judged`},
		{"the evidence of another run", func(_ *testing.T, dir, other string) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return os.Rename(other, dir)
		}, `^shard-1: the evidence in .* is not that of shared t=`},
		{"no evidence", func(_ *testing.T, dir, _ string) error { return os.RemoveAll(dir) }, `^shard-1: the evidence of shared t=.* is not there: shared/`},
		{"a verdict that is no JSON", func(_ *testing.T, dir, _ string) error {
			return os.WriteFile(filepath.Join(dir, result.VerdictFile), []byte("{"), 0o644)
		}, `^shard-1: the evidence in .* is not that of shared t=`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parts := copies(t, whole)
			if err := tt.change(t, some(t, parts[0]), some(t, parts[1])); err != nil {
				t.Fatal(err)
			}
			m, err := Merge(parts)
			if err != nil {
				t.Fatal(err)
			}
			above := t.TempDir()
			if err := m.Store(t.Context(), filepath.Join(above, "merged")); err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
			if left, err := os.ReadDir(above); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestRecordsWithoutEvidence(t *testing.T) {
	parts := shardsOf(t, 2)
	for i := range parts {
		parts[i].Dir = filepath.Join(parts[i].Dir, "elsewhere")
	}
	m, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	results, err := m.Run(t.Context(), nil, nil)
	if err != nil || len(results.Kept) != 12 || m.Absent != 12 {
		t.Fatalf("%d results, %d without evidence, %v; want 12", len(results.Kept), m.Absent, err)
	}
	if r := &results.Kept[0]; r.ID() != "shared t=45ms v4 #1" || r.Dir != "" || r.Status != Pass {
		t.Errorf("the first is %s, in %q, %s", r.ID(), r.Dir, r.Status)
	}
}

// A stranger's records name nothing outside their directory.
func TestRecordsNameNothingOutside(t *testing.T) {
	p := &shardPart{Part: Part{Dir: "/srv/shard"}}
	for dir, want := range map[string]string{
		"a/v4": "/srv/shard/a/v4", "": "", "../b": "", "a/../../b": "", "/etc": "",
	} {
		if got := p.evidence(dir); got != want {
			t.Errorf("%q is %q, want %q", dir, got, want)
		}
	}
}

func TestTheWorstExitStatus(t *testing.T) {
	for i, a := range exits {
		for j, b := range exits {
			if got := worse(a, b); got != exits[max(i, j)] {
				t.Errorf("of %d and %d: %d", a, b, got)
			}
		}
	}
}
