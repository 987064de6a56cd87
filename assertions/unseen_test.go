package assertions

import (
	"testing"

	"halfopen/scenarios/language"
)

// A control must not take a failure for a proof that may have been a pass.
func TestOnlyAFailureOfWhatCouldNotBeSeenIsUnseen(t *testing.T) {
	tape := newTape()
	ev := newEvidence(lab(t, connecting, "- {step: client.connect, error: none}"), tape.tr)
	unseen := func(v *draft) { ev.unseen("a socket", "whether there was one", v) }
	fails := func(v *draft) { v.saw(false, "3 packets", "none") }
	passes := func(v *draft) { v.saw(true, "3 packets", "3 packets") }
	for _, tt := range []struct {
		name   string
		judges []func(*draft)
		want   bool
	}{
		{"nothing else is judged", []func(*draft){unseen}, true},
		{"two things could not be seen", []func(*draft){unseen, unseen}, true},
		{"something else passes", []func(*draft){passes, unseen, passes}, true},
		{"something else failed before", []func(*draft){fails, unseen}, false},
		{"something else fails after", []func(*draft){unseen, fails}, false},
		{"everything could be seen", []func(*draft){fails}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newDraft("reaches", 0, language.Pos{}, "a title")
			for _, judge := range tt.judges {
				judge(&v)
			}
			if got := v.finish(); got.Status != Fail || got.Unseen != tt.want {
				t.Errorf("%s, unseen %t, want fail, unseen %t", got.Status, got.Unseen, tt.want)
			}
		})
	}
}
