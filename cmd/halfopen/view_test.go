package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"halfopen/harness/suite"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

func TestFailuresOfSlowGuestsHaveAHint(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   suite.Place
		came suite.Status
		want bool
	}{
		{"failed in a guest in real time", suite.Place{Kernel: "6.1"}, suite.Fail, true},
		{"passed there", suite.Place{Kernel: "6.1"}, suite.Pass, false},
		{"failed in warped time", suite.Place{Kernel: "6.1", Warp: true}, suite.Fail, false},
		{"failed on this machine", suite.Place{}, suite.Fail, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := &language.Scenario{Name: "a", Family: language.V4}
			results := []suite.Result{{Run: suite.Run{Scenario: s, Place: tt.at}, Status: tt.came, Trace: &trace.Trace{}}}
			if err := newView(&runFlags{format: "pretty"}, 1, &out, io.Discard).close(results, summary{}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(out.String(), "--warp"); got != tt.want {
				t.Errorf("hint %t, want %t, in:\n%s", got, tt.want, out.String())
			}
		})
	}
}
