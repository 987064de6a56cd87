package result

import (
	"fmt"

	"halfopen/assertions"
)

// Differences says in which outcomes two runs of one scenario differ: the status, and what became of each
// check. A sentence each, without a full stop; none if they are the same.
func Differences(was, is *Result) []string {
	var all []string
	if was.Status != is.Status {
		all = append(all, fmt.Sprintf("the run was %s, and is %s", was.Status, statusText(is)))
	}
	if len(was.Verdicts) == 0 || len(is.Verdicts) == 0 {
		return all // one of them was not judged, as the status says
	}
	if len(was.Verdicts) != len(is.Verdicts) {
		return append(all, fmt.Sprintf("there were %d checks, and are %d", len(was.Verdicts), len(is.Verdicts)))
	}
	for i := range was.Verdicts {
		a, b := &was.Verdicts[i], &is.Verdicts[i]
		switch {
		case a.Status == b.Status:
		case b.Status == assertions.Fail && b.Got != "":
			all = append(all, fmt.Sprintf("%q was %s, and is %s: saw %s", b.Title, a.Status, b.Status, b.Got))
		default:
			all = append(all, fmt.Sprintf("%q was %s, and is %s", b.Title, a.Status, b.Status))
		}
	}
	return all
}

// statusText is the status of a run, with the reason if there is no verdict.
func statusText(r *Result) string {
	if r.Err == nil {
		return string(r.Status)
	}
	return fmt.Sprintf("%s: %v", r.Status, r.Err)
}
