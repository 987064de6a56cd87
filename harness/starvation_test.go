package harness

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStarvationOfPrograms(t *testing.T) {
	const ms = time.Millisecond
	type late struct {
		Actor     string
		Due, Done time.Duration
	}
	one := func(waited time.Duration) []waiting { return []waiting{{1, "client", waited}} }
	for _, tt := range []struct {
		name  string
		looks [][]waiting // one each 50 ms
		want  []late
	}{
		{"a program that never waits", [][]waiting{one(0), one(0), one(0)}, nil},
		{"what it waited before the first look", [][]waiting{one(900 * ms), one(900 * ms)}, nil},
		{"a short wait", [][]waiting{nil, one(0), one(2 * ms), one(2 * ms)}, []late{{"client", 98 * ms, 100 * ms}}},
		{"waits that a quiet machine has", [][]waiting{nil, one(0), one(999 * time.Microsecond)}, nil},
		{"waits without end are one", [][]waiting{nil, one(40 * ms), one(90 * ms), one(130 * ms), one(131 * ms)}, []late{
			{"client", 20 * ms, 150 * ms}, {"client", 199 * ms, 200 * ms},
		}},
		{"one that lasts until the end", [][]waiting{nil, one(0), one(30 * ms)}, []late{{"client", 70 * ms, 100 * ms}}},
		{"a wait that began before the last look", [][]waiting{nil, one(0), one(0), one(140 * ms)}, []late{{"client", 10 * ms, 150 * ms}}},
		{"a program that waited before the first look, and was not seen then", [][]waiting{nil, one(2 * time.Second)}, []late{{"client", 0, 50 * ms}}},
		{
			"threads that wait at once wait once, those of another actor for themselves",
			[][]waiting{nil, {{1, "client", 5 * ms}, {2, "client", 7 * ms}, {3, "server", 4 * ms}}},
			[]late{{"client", 43 * ms, 50 * ms}, {"server", 46 * ms, 50 * ms}},
		},
		{"a thread that has the number of one before", [][]waiting{nil, one(20 * ms), one(3 * ms)}, []late{{"client", 30 * ms, 50 * ms}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []late
			s := &starvation{late: func(actor string, due, done time.Duration) {
				got = append(got, late{actor, due, done})
			}}
			for i, threads := range tt.looks {
				s.saw(time.Duration(i)*50*ms, threads)
			}
			s.finish()
			slices.SortFunc(got, func(a, b late) int { return int(a.Done-b.Done) + int(a.Due-b.Due) })
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("late (-want +got):\n%s", d)
			}
		})
	}
}
