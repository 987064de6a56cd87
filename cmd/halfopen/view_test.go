package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"halfopen/harness/trace"
	"halfopen/internal/vm"
	"halfopen/scenarios/language"
)

func TestFailuresOfSlowGuestsHaveAHint(t *testing.T) {
	guest := vm.Kernel{Version: "6.1"}
	for _, tt := range []struct {
		name string
		at   Place
		came Status
		want bool
	}{
		{"failed in a guest in real time", Place{Kernel: guest}, Failed, true},
		{"passed there", Place{Kernel: guest}, Passed, false},
		{"failed in warped time", Place{Kernel: guest, Warp: true}, Failed, false},
		{"failed on this machine", Place{}, Failed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			s := &language.Scenario{Name: "a", Family: language.V4}
			outcomes := []Result{{Run: Run{Scenario: s, Place: tt.at}, Status: tt.came, Trace: &trace.Trace{}}}
			if err := newView(&runFlags{format: "pretty"}, nil, &out, io.Discard).close(outcomes, summary{}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(out.String(), "--warp"); got != tt.want {
				t.Errorf("hint %t, want %t, in:\n%s", got, tt.want, out.String())
			}
		})
	}
}
