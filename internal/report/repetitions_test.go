package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/scenarios/language"
)

func TestBars(t *testing.T) {
	for _, tt := range []struct {
		name   string
		counts []int
		ascii  bool
		want   string
	}{
		{"the largest is full", []int{8, 4, 1, 0}, false, "|█▄▁ |"},
		{"a few among many are seen", []int{1_000_000, 0, 1}, false, "|█ ▁|"},
		{"all equal", []int{3, 3}, false, "|██|"},
		{"nothing", []int{0, 0}, false, "|  |"},
		{"in ASCII", []int{8, 4, 1, 0}, true, "|@=. |"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := barsText(tt.counts, tt.ascii); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// repeatedRuns are the repetitions of a run that failed once, or never.
func repeatedRuns(t *testing.T, name string, fails bool) *result.Repetitions {
	t.Helper()
	s := *failing(t).Scenario
	s.Name = name
	s.Expect = append(slices.Clone(s.Expect), language.Expectation{
		Step: &language.StepExpectation{Step: "client.connect", Took: &language.Span{}},
	})
	r := result.NewRepetitions(result.Run{Scenario: &s, Seed: 7})
	for n := 1; n <= 3; n++ {
		one := *passing(t)
		if fails && n == 2 {
			one = *failing(t)
			one.Rerun = "halfopen run x"
		}
		one.Run = result.Run{Scenario: &s, N: n, Seed: 6 + uint64(n)}
		r.Add(&one)
	}
	return r
}

func TestRepetitionsForPeople(t *testing.T) {
	list := []*result.Repetitions{repeatedRuns(t, "good", false), repeatedRuns(t, "bad\x1b[m", true)}
	want := `bad\x1b[m retries=1: 2 of 3 passed; the first that failed is #2, with --seed 8
  halfopen run x
  client.connect  min 3.071s  median 3.071s  p95 3.071s  max 3.071s  |█               |
good retries=1: 3 of 3 passed
  client.connect  min 3.071s  median 3.071s  p95 3.071s  max 3.071s  |█               |
`
	if d := cmp.Diff(want, repetitionsText(list, Look{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := repetitionsText(list, Look{ASCII: true}); strings.ContainsFunc(got, func(r rune) bool { return r > 126 }) {
		t.Errorf("not ASCII:\n%s", got)
	}
	var many []*result.Repetitions
	for i := range mostRepeated + 2 {
		many = append(many, repeatedRuns(t, fmt.Sprint("s", i), i == mostRepeated+1))
	}
	got := repetitionsText(many, Look{})
	if !strings.HasPrefix(got, fmt.Sprintf("s%d ", mostRepeated+1)) ||
		!strings.HasSuffix(got, "\nand 2 more cases; --report json=PATH has all\n") {
		t.Errorf("many cases:\n%s", got)
	}
	if got := repetitionsText(nil, Look{}); got != "" {
		t.Errorf("runs that are not repeated: %q", got)
	}
}

func TestRepetitionsForPrograms(t *testing.T) {
	var out bytes.Buffer
	v := newJSON(Output{Out: &out, Errs: &out})
	if err := v.Close(nil, Ending{Repeated: []*result.Repetitions{repeatedRuns(t, "bad", true)}}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var summary struct {
		Repeated []struct {
			Scenario string
			Runs     int
			Counts   map[string]int
			Failed   struct {
				N     int
				Seed  string
				Rerun string
			}
			Times []struct {
				Of        string
				N         int
				Median    float64
				Histogram []int
			}
		}
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &summary); err != nil {
		t.Fatal(err)
	}
	if len(summary.Repeated) != 1 {
		t.Fatalf("got %s", out.String())
	}
	r := summary.Repeated[0]
	if r.Scenario != "bad" || r.Runs != 3 || r.Counts["pass"] != 2 || r.Failed.N != 2 || r.Failed.Seed != "8" || r.Failed.Rerun != "halfopen run x" ||
		len(r.Times) != 1 || r.Times[0].Of != "client.connect" || r.Times[0].N != 3 || len(r.Times[0].Histogram) != 16 {
		t.Errorf("%+v", r)
	}
}
