package harness

import (
	"strings"
	"testing"

	"halfopen/scenarios/language"
)

func TestRunWantsMain(t *testing.T) {
	before := mainCalled.Swap(false)
	defer mainCalled.Store(before)
	_, err := Run(t.Context(), &language.Scenario{Name: "x"}, Options{})
	if err == nil || !strings.Contains(err.Error(), "must call harness.Main") {
		t.Errorf("got %v", err)
	}
}
