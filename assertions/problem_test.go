package assertions

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

// A step that could not be done is a failure of the expectation about it, or of the run if none is.
func TestAStepThatCouldNotBeDoneFailsOnce(t *testing.T) {
	const text = `
name: x
title: t
hosts: {client: {}}
actors:
  client: [exec: ls, sleep: 1s]
expect:
  - `
	for _, tt := range []struct {
		name, expect string
		want         []string // the kinds of the verdicts that failed
	}{
		{"an expectation about the program", "{process: client.exec, exit: 0}", []string{"process"}},
		{"an expectation about the step", "{step: client.exec}", []string{"step"}},
		{"an expectation about another step", "{step: client.sleep}", []string{"problem"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.step("client.exec", 0, ms, func(s *trace.Step) { s.Problem = "no ls" })
			p.step("client.sleep", ms, second+ms, nil)
			var failed []string
			for _, v := range Check(load(t, text+tt.expect+"\n"), p.end(2*second, "done")) {
				if v.Status == Fail {
					failed = append(failed, v.Kind)
				}
			}
			if diff := cmp.Diff(tt.want, failed); diff != "" {
				t.Errorf("failed verdicts (-want +got):\n%s", diff)
			}
		})
	}
}
