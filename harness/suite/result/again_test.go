package result

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/assertions"
)

func TestDifferencesOfTwoRuns(t *testing.T) {
	verdicts := func(all ...assertions.Status) (list []assertions.Verdict) {
		for _, s := range all {
			list = append(list, assertions.Verdict{Title: "a check", Status: s, Got: "EPIPE"})
		}
		return list
	}
	pass := Result{Status: Pass, Verdicts: verdicts(assertions.Pass, assertions.Skip)}
	fail := Result{Status: Fail, Verdicts: verdicts(assertions.Fail, assertions.Skip)}
	broken := Result{Status: Error, Err: errors.New("the lab died")}
	for _, tt := range []struct {
		name    string
		was, is Result
		want    []string
	}{
		{"the same", pass, pass, nil},
		{"the same failure", fail, fail, nil},
		{"both broke off", broken, Result{Status: Error, Err: errors.New("no memory")}, nil},
		{"a failure that is gone", fail, pass, []string{"the run was fail, and is pass", `"a check" was fail, and is pass`}},
		{"a new failure", pass, fail, []string{"the run was pass, and is fail", `"a check" was pass, and is fail: saw EPIPE`}},
		{"the status is the same, a check is not", pass, Result{Status: Pass, Verdicts: verdicts(assertions.Pass, assertions.Pass)}, []string{`"a check" was skip, and is pass`}},
		{"it broke off", pass, broken, []string{"the run was pass, and is error: the lab died"}},
		{"another number of checks", pass, Result{Status: Pass, Verdicts: verdicts(assertions.Pass)}, []string{"there were 2 checks, and are 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, Differences(&tt.was, &tt.is)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
