package tracepoint

import (
	"errors"
	"testing"
)

func TestKindString(t *testing.T) {
	seen := map[string]bool{}
	for kind := range Kinds {
		if seen[kind.String()] || kind.String() == "" {
			t.Errorf("kind %d is %q", kind, kind.String())
		}
		seen[kind.String()] = true
	}
	if got, want := Kinds.String(), "events of kind 6"; got != want {
		t.Errorf("an unknown kind is %q, want %q", got, want)
	}
}

func TestKindsOfEvents(t *testing.T) {
	for want, event := range map[Kind]Event{
		KindTransition: Transition{}, KindDrop: Drop{}, KindRetransmit: Retransmit{},
		KindReset: Reset{}, KindProbe: Probe{}, KindCall: Call{},
	} {
		if got := event.Kind(); got != want {
			t.Errorf("the kind of %T is %v, want %v", event, got, want)
		}
	}
}

func TestLostTotal(t *testing.T) {
	if got := (Lost{KindTransition: 1, KindDrop: 20, KindProbe: 300}).Total(); got != 321 {
		t.Errorf("the total is %d, want 321", got)
	}
}

func TestGapString(t *testing.T) {
	for want, gap := range map[string]Gap{
		"tcp:tcp_probe is missing":              {Tracepoint: "tcp:tcp_probe"},
		"tcp:tcp_probe is missing: refused":     {Tracepoint: "tcp:tcp_probe", Err: errors.New("refused")},
		"tcp:tcp_send_reset has no reasons yet": {Tracepoint: "tcp:tcp_send_reset", Lacks: "reasons yet"},
	} {
		if got := gap.String(); got != want {
			t.Errorf("the gap is %q, want %q", got, want)
		}
	}
}
