package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite"
	"halfopen/harness/trace"
)

func TestProbesAreValidScenarios(t *testing.T) {
	// A probe that the loader or the compiler refuses would report a healthy machine as broken.
	for _, p := range append([]probe{seeing}, probes...) {
		t.Run(p.name, func(t *testing.T) {
			s, err := p.scenario()
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := suite.Plan(s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatALabSaysOfTheTracepoints(t *testing.T) {
	gap := trace.Gap{Events: trace.Resets, Text: "tcp:tcp_send_reset has no reasons", Partial: true}
	for _, tt := range []struct {
		name   string
		events []trace.Event
		gaps   []trace.Gap
		err    string
	}{
		{
			"they are watched",
			[]trace.Event{{Run: &trace.Run{}}, {Tracepoints: &trace.Tracepoints{}}},
			nil, "",
		},
		{
			"they are watched, with a gap",
			[]trace.Event{{Tracepoints: &trace.Tracepoints{Gaps: []trace.Gap{gap}}}},
			[]trace.Gap{gap},
			"",
		},
		{
			"they are not watched",
			[]trace.Event{{Tracepoints: &trace.Tracepoints{Off: "they are missing"}}},
			nil,
			"they are missing",
		},
		{
			"nothing",
			[]trace.Event{{Run: &trace.Run{}}},
			nil,
			"the lab does not say whether they are watched",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gaps, err := seen(trace.Of(tt.events...))
			if diff := cmp.Diff(tt.gaps, gaps); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if got := message(err); got != tt.err {
				t.Errorf("the error is %q, want %q", got, tt.err)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestWhatIsMissingHasItsRemedy(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing is missing", nil, "ok       tracepoints  exact states\n"},
		{
			"tracepoints are", &unseen{Off: "CAP_BPF is missing", Remedy: "run as root"},
			"MISSING  tracepoints  exact states\n" +
				"         why: CAP_BPF is missing\n" +
				"         remedy: run as root\n",
		},
		{
			"and nothing helps", errors.New("a fault of the lab"),
			"MISSING  tracepoints  exact states\n         why: a fault of the lab\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			p := &page{w: &out, width: 100}
			p.probed(&probe{name: "tracepoints", neededBy: "exact states"}, tt.err)
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("probed (-want +got):\n%s", diff)
			}
		})
	}
}
