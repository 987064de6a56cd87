package report

import (
	"cmp"
	"fmt"
	"strings"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// suiteName names a scenario, with its file if another file has a scenario of that name.
func suiteName(r *result.Run, shared map[string]bool) string {
	if shared[r.Scenario.Name] {
		return r.Scenario.Name + " (" + r.Scenario.Pos.File + ")"
	}
	return r.Scenario.Name
}

// testName names a run among those of its scenario: "retries=3 v4 #2 on Linux 6.1". It always has the
// IP version, so that it stays the same when the scenario gets another one.
func testName(r *result.Run) string {
	parts := []string{r.Scenario.Case, string(r.Scenario.Family)}
	if r.N > 0 {
		parts = append(parts, fmt.Sprintf("#%d", r.N))
	}
	if set := r.Scenario.Without; set != nil {
		parts = append(parts, "without "+set.String())
	}
	return strings.TrimSpace(strings.Join(append(parts, r.Place.String()), " "))
}

// caption names a run among those of a suite.
func caption(r *result.Run, shared map[string]bool) string {
	return suiteName(r, shared) + " " + testName(r)
}

// mostWhy is how many columns a reason has in a report.
const mostWhy = 1000

// why says in a line why a run did not pass: "client.connect: ETIMEDOUT after 63s: saw it took 3.071s, and
// 2 more"; "" if it passed.
func why(r *result.Result) string { return cut(say.Printable(reason(r)), mostWhy, "…") }

func reason(r *result.Result) string {
	if r.Status == result.Canceled {
		return "canceled after " + shortSeconds(r.Took)
	}
	if r.Err != nil {
		return r.Err.Error()
	}
	if r.Status == result.Inconclusive {
		return r.AttemptsText()
	}
	text, more := "", 0
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		switch {
		case v.Status != assertions.Fail:
		case text == "":
			text = cmp.Or(v.Title, v.Kind)
			if v.Got != "" {
				text += ": saw " + v.Got
			}
		default:
			more++
		}
	}
	if more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}
