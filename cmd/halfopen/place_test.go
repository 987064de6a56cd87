package main

import (
	"strings"
	"testing"
	"time"

	"halfopen/scenarios"
)

// A machine without QEMU or kernels: nothing can be warped.
func withoutMachines(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

func TestLongRunsWithoutMachines(t *testing.T) {
	withoutMachines(t)
	short := &scenarios.Scenario{Name: "short", Duration: scenarios.Duration(3 * time.Second)}
	long := &scenarios.Scenario{Name: "long", Duration: scenarios.Duration(2 * time.Hour)}
	for _, tt := range []struct {
		name    string
		placing placing
		kept    string
		left    string
	}{
		{"are left out", placing{}, "short", "long"},
		{"take place in real time when they were named", placing{named: true}, "short long", ""},
		{"take place in real time with --long", placing{long: true}, "short long", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, left, why, err := tt.placing.place([]*scenarios.Scenario{short, long})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range kept {
				names = append(names, r.scenario.ID())
				if r.place.virtual() {
					t.Errorf("a run takes place %s", r.place.String())
				}
			}
			if got := strings.Join(names, " "); got != tt.kept {
				t.Errorf("kept %q, want %q", got, tt.kept)
			}
			if got := strings.Join(ids(left), " "); got != tt.left {
				t.Errorf("left out %q, want %q", got, tt.left)
			}
			text := leftOut(left, why)
			if tt.left != "" && (!strings.Contains(text, "qemu-system-x86_64 is not available here") || !strings.Contains(text, tt.left)) {
				t.Errorf("of what is left out it says %q", text)
			}
		})
	}
}

func TestAskedForMachinesThatAreNotThere(t *testing.T) {
	withoutMachines(t)
	_, _, _, err := (&placing{kernels: []string{"1.0-none"}}).place(nil)
	if err == nil || statusOf(err) != statusMissing || !strings.Contains(err.Error(), "the kernel 1.0-none is not available here") {
		t.Errorf("got %v", err)
	}
}
