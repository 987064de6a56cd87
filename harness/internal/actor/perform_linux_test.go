package actor

import (
	"reflect"
	"testing"

	"halfopen/scenarios/language"
)

func TestEveryOperationIsPerformed(t *testing.T) {
	left := performers()
	for key, op := range language.Operations() {
		p, here := left[key]
		delete(left, key)
		_, byLab := op.(language.ByLab)
		switch {
		case !here && !byLab:
			t.Errorf("nobody performs %s: want a row in performers, or a language.ByLab", key)
		case here && byLab:
			t.Errorf("the lab performs %s: its row in performers is never used", key)
		case here && p.takes != reflect.TypeOf(op):
			t.Errorf("the performer of %s takes a %v, want a %T", key, p.takes, op)
		}
	}
	for key := range left {
		t.Errorf("performers has a row for %q, which is not an operation", key)
	}
}
