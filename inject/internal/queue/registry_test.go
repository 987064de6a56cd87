package queue

import (
	"slices"
	"testing"

	"halfopen/scenarios/language"
)

func TestEveryActionIsInTheTable(t *testing.T) {
	for _, kind := range language.ActionKinds() {
		if actions[kind].make == nil {
			t.Errorf("the queue does not know the action %s", kind)
		}
	}
	for kind := range actions {
		if !slices.Contains(language.ActionKinds(), kind) {
			t.Errorf("the language has no action %s", kind)
		}
	}
}

func TestAnUnknownActionIsRefused(t *testing.T) {
	if _, err := NewEngine([]*Rule{{Fault: "f"}}, nil, 1); err == nil {
		t.Error("a rule without an action makes an engine")
	}
}
