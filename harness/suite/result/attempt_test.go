package result

import (
	"testing"
	"time"

	"halfopen/assertions"
)

func TestAttemptsSayWhatOfTheMachineWasTheReason(t *testing.T) {
	const ms = time.Millisecond
	open := func(because string, late time.Duration) assertions.Verdict {
		return assertions.Verdict{Status: assertions.Inconclusive, Because: because, Late: late}
	}
	late, later := open("the machine was 70ms late", 70*ms), open("the machine was 140ms late", 140*ms)
	lost := open("the kernel lost its reports of up to 2 drops of server", 0)
	of := func(s Status, attempts []Attempt, verdicts ...assertions.Verdict) *Result {
		return &Result{Status: s, Attempts: attempts, Verdicts: verdicts}
	}
	attempt := func(verdicts ...assertions.Verdict) []Attempt {
		return []Attempt{NewAttempt(of(Inconclusive, nil, verdicts...))}
	}
	for _, tt := range []struct {
		name string
		r    *Result
		want string
	}{
		{"a pass", of(Pass, nil, assertions.Verdict{Status: assertions.Pass}), ""},
		{"the longest of several latenesses", of(Inconclusive, nil, late, later), "inconclusive: the machine was 140ms late"},
		{"reports that were lost", of(Inconclusive, nil, lost, lost), "inconclusive: the kernel lost its reports of up to 2 drops of server"},
		{"both", of(Inconclusive, nil, lost, late), "inconclusive: the kernel lost its reports of up to 2 drops of server; the machine was 70ms late"},
		{"a pass after it", of(Pass, attempt(lost)), "inconclusive: the kernel lost its reports of up to 2 drops of server; passed on attempt 2"},
		{"a failure after it", of(Fail, attempt(late)), "inconclusive: the machine was 70ms late; failed on attempt 2"},
		{"again, for another reason", of(Inconclusive, attempt(lost), late), "inconclusive: the kernel lost its reports of up to 2 drops of server; attempt 2 inconclusive: the machine was 70ms late"},
		{"a result of an earlier version", of(Pass, []Attempt{{Late: 70 * ms}}), "inconclusive: the machine was 70ms late; passed on attempt 2"},
	} {
		if got := tt.r.AttemptsText(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
