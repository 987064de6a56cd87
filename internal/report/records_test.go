package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// someRecords are the records of a suite with a run that failed, one that was canceled and one that
// never began, a case that was left out and a file that was refused.
func someRecords(t *testing.T) (text string, failed *result.Result) {
	var out, errs bytes.Buffer
	left := &result.Run{Scenario: &language.Scenario{Name: "long", Family: language.V6}}
	v := newJSON(Output{
		Out: &out, Errs: &errs, Runs: 3, Base: "/out",
		Suite: Suite{
			Version: "v1", Kernel: "6.18.0", Began: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
			Seed: 1<<64 - 1, Plan: &result.Plan{SHA256: "abc", Kernels: []string{}}, Shard: &result.Shard{Index: 2, Of: 5},
		},
		LeftOut: []LeftOut{NewLeftOut(left, "it takes 2h")},
		Refused: []Refused{NewRefused("bad.yaml", wrongKey)},
	})
	r := failing(t)
	r.Index, r.N, r.Seed, r.Dir = 4, 2, 1<<63+1, "/out/a/b"
	r.Started = time.Date(2026, 1, 2, 3, 4, 6, 7, time.UTC)
	r.Place = result.Place{Kernel: "6.1.0", Image: "/boot/x", Warp: true}
	r.Attempts = []result.Attempt{{Because: "late", Late: 5, Checks: []string{"a check"}, Dir: "/out/a/b/attempt-1"}}
	v.Begin(&r.Run)
	v.End(r)
	stopped := &result.Result{Run: result.Run{Scenario: r.Scenario, Index: 5}, Status: result.Canceled}
	v.Begin(&stopped.Run)
	v.End(stopped)
	var others result.Tally
	others.Count(result.NotRun, 1)
	if err := v.Close([]result.Result{*r, *stopped}, Ending{
		Others: others, Exit: 130, Stop: result.Interrupted,
		Rest: []result.Rest{{Run: result.Run{Scenario: r.Scenario, Index: 8}, Times: 1, All: 3}},
	}); err != nil {
		t.Fatal(err)
	}
	return out.String(), r
}

func readAll(text string) (all []any, err error) {
	err = ReadRecords("r.ndjson", strings.NewReader(text), func(r any) error {
		all = append(all, r)
		return nil
	})
	return all, err
}

func TestRecordsAreReadBackAsTheyWereWritten(t *testing.T) {
	text, failed := someRecords(t)
	all, err := readAll(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 9 {
		t.Fatalf("%d records:\n%s", len(all), text)
	}
	// Written again, they are the same lines.
	var again bytes.Buffer
	for _, r := range all {
		if err := encode(&again, r, ""); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(strings.Split(text, "\n"), strings.Split(again.String(), "\n")); diff != "" {
		t.Errorf("the lines (-written +read):\n%s", diff)
	}
	s, rec := all[0].(*Suite), all[4].(*Record)
	if s.Seed != 1<<64-1 || s.Runs != 3 || *s.Shard != (result.Shard{Index: 2, Of: 5}) || s.Began.Nanosecond() != 6 {
		t.Errorf("the suite is %+v", s)
	}
	if rec.Index != 4 || rec.N != 2 || rec.Seed != failed.Seed || rec.Place != failed.Place ||
		!rec.Started.Equal(failed.Started) || rec.Title != failed.Scenario.Title || rec.Status != "fail" {
		t.Errorf("the run is %+v", rec)
	}
	if rec.Dir != "a/b" || rec.Attempts[0].Dir != "a/b/attempt-1" || failed.Attempts[0].Dir != "/out/a/b/attempt-1" {
		t.Errorf("directories %q and %q are not relative to the base, or the result was changed to %q",
			rec.Dir, rec.Attempts[0].Dir, failed.Attempts[0].Dir)
	}
	if rest := all[7].(*NotRun); rest.Index != 8 || rest.Times != 1 || rest.Of != 3 {
		t.Errorf("what never began is %+v", rest)
	}
	want := map[string]int{
		"pass": 0, "fail": 1, "inconclusive": 0, "skip": 0, "error": 0, "canceled": 1, "not-run": 1,
	}
	sum := all[8].(*Summary)
	if diff := cmp.Diff(want, sum.Counts); diff != "" || sum.Runs != 3 || sum.Exit != 130 || sum.LeftOut != 1 || sum.Refused != 1 {
		t.Errorf("the summary is %+v, counts (-want +got):\n%s", sum, diff)
	}
}

// A report may ask for the record of a run at the end of the suite, when its trace is gone.
func TestARecordHasItsFactsWithoutTheTrace(t *testing.T) {
	for name, end := range map[string]trace.EndReason{"a run that ended": trace.EndDone, "one that broke off": ""} {
		t.Run(name, func(t *testing.T) {
			r := passing(t)
			r.Trace = nil
			r.Facts = result.Facts{
				Kernel: "6.1.0", Ended: end, Faults: []result.FaultHits{{Name: "loss", Hits: 3}},
				Programs: []result.ProgramEnd{{Step: "client.exec", N: 1, Command: []string{"true"}}},
				Late:     []result.LatePart{{Part: trace.LateFault, Seconds: 1}},
			}
			rec := NewRecord(r)
			got := result.Facts{
				Kernel: rec.Kernel, Ended: trace.EndReason(rec.Ended), Faults: rec.Faults,
				Programs: rec.Programs, Late: rec.Late,
			}
			if diff := cmp.Diff(r.Facts, got); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

// A seed has 64 bits, of which a number of JavaScript keeps 53.
func TestSeedsAreStrings(t *testing.T) {
	text, _ := someRecords(t)
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if seed, ok := r["seed"]; ok {
			if _, ok := seed.(string); !ok {
				t.Errorf("the seed %v of %v is no string", seed, r["record"])
			}
		}
	}
}

func TestFilesThatAreNotRecordsAreRefused(t *testing.T) {
	good, _ := someRecords(t)
	lines := strings.SplitAfter(good, "\n")
	suite, summary := lines[0], lines[8]
	begun := lines[3]
	for _, tt := range []struct {
		name, text, want string
	}{
		{"an empty file", "", "r.ndjson: it is empty: a file of results begins with a record of the suite"},
		{"a line without its end", good[:len(good)-1], "r.ndjson:9: the file is truncated: its last line has no end"},
		{"half a line", good[:len(suite)+20], "r.ndjson:2: the file is truncated: its last line has no end"},
		{"no summary", strings.TrimSuffix(good, summary), "r.ndjson: there is no summary: the suite was killed, or goes on"},
		{
			"another schema", strings.Replace(good, `"schema":1,"record":"begun"`, `"schema":2,"record":"begun"`, 1),
			"r.ndjson:4: the record has schema 2: this version of halfopen reads schema 1",
		},
		{
			"lines of an earlier version", `{"scenario":"a"}` + "\n",
			`r.ndjson:1: this is not a record of schema 1: it has no "schema" or no "record"; was it written by an earlier version of halfopen?`,
		},
		{"no JSON", suite + "halfopen\n", "r.ndjson:2: this is not a record: invalid character 'h' looking for beginning of value"},
		{"null", "null\n", `r.ndjson:1: this is not a record of schema 1: it has no "schema" or no "record"; was it written by an earlier version of halfopen?`},
		{"two values in a line", suite + begun[:len(begun)-1] + begun, "r.ndjson:2: this is not a record: invalid character '{' after top-level value"},
		{"no suite", begun + summary, `r.ndjson:1: "begun" before a record of the suite: the beginning of the file is missing`},
		{"two suites", suite + suite, "r.ndjson:2: a second suite: the file has the records of more than one"},
		{"a record after the summary", good + begun, `r.ndjson:10: "begun" after the summary: the file has the records of more than one suite`},
		{
			"a seed that is a number", strings.Replace(good, `"seed":"18446744073709551615"`, `"seed":7`, 1),
			`r.ndjson:1: reading the record "suite": json: invalid use of ,string struct tag, trying to unmarshal unquoted value into uint64`,
		},
		{
			"an unknown status", strings.Replace(good, `"status":"fail"`, `"status":"maybe"`, 1),
			`r.ndjson:5: the record "run": invalid status "maybe"`,
		},
		{
			"a negative index", strings.Replace(good, `"index":5`, `"index":-5`, 1),
			`r.ndjson:6: the record "begun": invalid index -5`,
		},
		{
			"a run of nothing", strings.Replace(good, `"scenario":"syn-retry-backoff"`, `"scenario":""`, 1),
			`r.ndjson:4: the record "begun": it names no scenario`,
		},
		{
			"a shard that cannot be", strings.Replace(good, `"index":2,"of":5`, `"index":6,"of":5`, 1),
			`r.ndjson:1: the record "suite": the shard is 6 of 5: want 1 to 5`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readAll(tt.text)
			if err == nil || err.Error() != tt.want {
				t.Errorf("the error is\n%v, want\n%s", err, tt.want)
			}
			var bad *RecordError
			if !errors.As(err, &bad) {
				t.Errorf("%T is no *RecordError", err)
			}
		})
	}
}

func TestRecordsOfAKilledSuiteAreReadUpToTheirEnd(t *testing.T) {
	good, _ := someRecords(t)
	lines := strings.SplitAfter(good, "\n")
	all, err := readAll(strings.Join(lines[:8], ""))
	if len(all) != 8 || !errors.Is(err, ErrUnfinished) {
		t.Errorf("%d records, %v; want 8 and that the summary is missing", len(all), err)
	}
}

// Within a schema, keys and kinds of records may be added.
func TestWhatLaterVersionsAddIsPassedOver(t *testing.T) {
	good, _ := someRecords(t)
	want, err := readAll(good)
	if err != nil {
		t.Fatal(err)
	}
	more := strings.ReplaceAll(good, `"schema":1,`, `"schema":1,"added":{"a":[1]},`)
	more = strings.Replace(more, "\n", "\n"+`{"schema":1,"record":"weather","rain":true}`+"\n", 1)
	got, err := readAll(more)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestTheErrorOfACallerIsReturnedAsItIs(t *testing.T) {
	good, _ := someRecords(t)
	full := errors.New("full")
	n := 0
	err := ReadRecords("r.ndjson", strings.NewReader(good), func(any) error { n++; return full })
	if err != full || n != 1 {
		t.Errorf("the error is %v after %d records, want %v after 1", err, n, full)
	}
	unread := errors.New("unread")
	err = ReadRecords("r.ndjson", io.MultiReader(strings.NewReader(good), &broken{unread}), func(any) error { return nil })
	if !errors.Is(err, unread) || !strings.HasPrefix(err.Error(), "r.ndjson:10: ") {
		t.Errorf("the error of a file that cannot be read is %v", err)
	}
}

// broken is a file that cannot be read, or written.
type broken struct{ err error }

func (b *broken) Read([]byte) (int, error)  { return 0, b.err }
func (b *broken) Write([]byte) (int, error) { return 0, b.err }

// Nothing follows a record that could not be written: half a record is the last line.
func TestAnOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	full := errors.New("no space left on device")
	v := newJSON(Output{Out: &broken{full}, Errs: io.Discard})
	if err := v.Close(nil, Ending{}); !errors.Is(err, full) {
		t.Errorf("the error is %v", err)
	}
}

func TestRecordsEscapeWhatATerminalWouldNotShow(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"printable ASCII", "{\"a\":1}\n", "{\"a\":1}\n"},
		{"nothing", "", ""},
		{"letters and signs", "after 613µs \u2192 €", "after 613µs → €"},
		{"control characters of C1", "a\u009b31mb", `a\u009b31mb`},
		{"the direction of writing", "\u202etxt", `\u202etxt`},
		{"beyond 16 bits", "x\U000e0001y😀", `x\udb40\udc01y😀`},
		{"one after the other, at the end", "é\u0085\u007f", `é\u0085\u007f`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(escape([]byte(tt.text))); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
