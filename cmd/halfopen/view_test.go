package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"halfopen/harness/suite"
	"halfopen/harness/trace"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

func TestFailuresOfSlowGuestsHaveAHint(t *testing.T) {
	guest := vm.Kernel{Version: "6.1"}
	for _, tt := range []struct {
		name string
		at   suite.Place
		came suite.Status
		want bool
	}{
		{"failed in a guest in real time", suite.Place{Kernel: guest}, suite.Failed, true},
		{"passed there", suite.Place{Kernel: guest}, suite.Passed, false},
		{"failed in warped time", suite.Place{Kernel: guest, Warp: true}, suite.Failed, false},
		{"failed on this machine", suite.Place{}, suite.Failed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := &language.Scenario{Name: "a", Family: language.V4}
			outcomes := []suite.Result{{Run: suite.Run{Scenario: s, Place: tt.at}, Status: tt.came, Trace: &trace.Trace{}}}
			if err := newView(&runFlags{format: "pretty"}, nil, &out, io.Discard).close(outcomes, summary{}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(out.String(), "--warp"); got != tt.want {
				t.Errorf("hint %t, want %t, in:\n%s", got, tt.want, out.String())
			}
		})
	}
}
