package suite

import (
	gocmp "cmp"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/vm"
)

// The runs of several places alternate, as those of one case on several kernels do.
func TestGuestsForRunsOfSeveralPlaces(t *testing.T) {
	old, recent := Place{Kernel: "5.15"}, Place{Kernel: "6.12"}
	warped := Place{Kernel: "6.12", Warp: true}
	for _, tt := range []struct {
		name string
		// cases is how many runs there are at each place.
		cases  int
		places []Place
		// processors are 2 if this is 0.
		processors int
		// want is how many runs each guest of a place does.
		want []int
	}{
		{"three cases on two kernels share one guest for each", 3, []Place{old, recent}, 0, []int{3}},
		{"four are still few", 4, []Place{old, recent}, 0, []int{4}},
		{"five are not", 5, []Place{old, recent}, 0, []int{4, 1}},
		{"many are shared evenly", 20, []Place{old, recent}, 0, []int{10, 10}},
		{"on one kernel", 5, []Place{recent}, 0, []int{4, 1}},
		{"both versions of IP in warped time", 2, []Place{warped}, 0, []int{1, 1}},
		{"one case in warped time", 1, []Place{warped}, 0, []int{1}},
		{"warped time and one processor", 3, []Place{warped}, 1, []int{3}},
		{"warped time and many processors", 10, []Place{warped}, 64, []int{3, 3, 2, 2}},
		{"warped and real time beside each other", 2, []Place{warped, recent}, 1, []int{2}},
		{"no runs", 0, []Place{old}, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var runs []task
			for range tt.cases {
				for _, at := range tt.places {
					runs = append(runs, task{Result: &Result{Run: Run{Place: at}}})
				}
			}
			got, want := map[Place][]int{}, map[Place][]int{}
			for _, g := range guestsFor(runs, gocmp.Or(tt.processors, 2)) {
				got[g.at] = append(got[g.at], len(g.runs))
				for _, r := range g.runs {
					if r.Place != g.at {
						t.Errorf("a run for %v is in a guest for %v", r.Place, g.at)
					}
				}
			}
			if tt.want != nil {
				for _, at := range tt.places {
					want[at] = tt.want
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("runs of each guest (-want +got):\n%s", diff)
			}
		})
	}
}

// The boot of a guest ends with its first run, or with the guest.
func TestTheBootOfAGuestIsFollowed(t *testing.T) {
	for name, tt := range map[string]struct {
		boot func(tasks []vm.Task)
		want []string
	}{
		"two runs": {
			func(tasks []vm.Task) {
				for i := range tasks {
					tasks[i].Began()
					tasks[i].Ended(took(t, 45*time.Millisecond, 0), nil)
				}
			},
			[]string{"boots", "booted", "begin timed", "end timed pass", "begin timed", "end timed pass"},
		},
		"none, because it does not boot": {
			func(tasks []vm.Task) {
				for i := range tasks {
					tasks[i].Ended(nil, errors.New("no kernel"))
				}
			},
			[]string{"boots", "begin timed", "end timed error", "begin timed", "end timed error", "booted"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := Run{Scenario: timed(t), Place: Place{Kernel: "6.12"}}
			s := &Suite{Runs: []Run{run, run}}
			s.boot = func(_ context.Context, _ *guest, tasks []vm.Task) { tt.boot(tasks) }
			see := &seen{}
			if _, err := s.Run(t.Context(), see); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, see.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
