package suite

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// sharedRuns makes runs that take some milliseconds to hours, at three places, every third with two
// controls.
func sharedRuns(n int) (runs []Run) {
	for i := range n {
		r := Run{Scenario: &language.Scenario{
			Name: fmt.Sprint(i), Duration: language.Duration(time.Duration(1+i*i*7) * time.Millisecond),
		}}
		switch i % 5 {
		case 1:
			r.Place = Place{Kernel: "6.1", Warp: true}
		case 2:
			r.Place = Place{Kernel: "6.12"}
		}
		runs = append(runs, r)
		for range 2 * (i % 3 / 2) {
			without := *r.Scenario
			without.Without = &language.Setting{}
			runs = append(runs, Run{Scenario: &without, Place: r.Place})
		}
	}
	return runs
}

func TestEachRunHasOneShard(t *testing.T) {
	for _, runs := range [][]Run{sharedRuns(0), sharedRuns(1), sharedRuns(40)} {
		for _, repeat := range []int{0, 1, 2, 5, 64} {
			for _, of := range []int{1, 2, 4, 7, 50} {
				seen := map[string]int{}
				for index := 1; index <= of; index++ {
					s := &Suite{Runs: runs, o: Options{Repeat: repeat}}
					var err error
					if s.mine, err = portionOf(runs, repeat, Shard{Index: index, Of: of}); err != nil {
						t.Fatal(err)
					}
					count := 0
					for i, r := range runs {
						for r := range s.repetitions(r, s.mine.of(i)) {
							seen[fmt.Sprint(i, "#", r.N, " seed ", r.Seed)]++
							count++
						}
						if r.Scenario.Without != nil && s.mine.of(i) != s.mine.of(i-1) {
							t.Errorf("a control does not run with its case, in shard %d of %d", index, of)
						}
					}
					if s.Count() != count {
						t.Errorf("shard %d of %d: Count is %d of %d runs", index, of, s.Count(), count)
					}
				}
				whole := &Suite{Runs: runs, o: Options{Repeat: repeat}}
				want := map[string]int{}
				for i, r := range runs {
					for r := range whole.repetitions(r, span{}) {
						want[fmt.Sprint(i, "#", r.N, " seed ", r.Seed)] = 1
					}
				}
				if d := cmp.Diff(want, seen); d != "" {
					t.Errorf("%d runs, repeated %d times, in %d shards (-want +got):\n%s", len(runs), repeat, of, d)
				}
			}
		}
	}
}

// loads returns what each shard has to do, with the boots of guests, and the places of its guests.
func loads(t *testing.T, runs []Run, repeat, of int) (costs []time.Duration, guests []string) {
	t.Helper()
	each := make([]time.Duration, len(runs))
	for i := range runs {
		each[i] = costOf(&runs[i])
	}
	for index := 1; index <= of; index++ {
		mine, err := portionOf(runs, repeat, Shard{Index: index, Of: of})
		if err != nil {
			t.Fatal(err)
		}
		var cost time.Duration
		var places []string
		for i := range runs {
			n := mine.of(i).count(max(repeat, 1))
			cost += each[i] * time.Duration(n)
			at := runs[i].Place.String()
			if n > 0 && at != "" && !slices.Contains(places, at) {
				places = append(places, at)
				cost += costOfBoot
			}
		}
		costs, guests = append(costs, cost), append(guests, strings.Join(places, ", "))
	}
	return costs, guests
}

// slowest returns the cost of the most expensive shard, in relation to the mean.
func slowest(costs []time.Duration) float64 {
	var sum time.Duration
	for _, c := range costs {
		sum += c
	}
	return float64(slices.Max(costs)) * float64(len(costs)) / float64(sum)
}

var libraryCases = sync.OnceValues(func() ([]*language.Scenario, error) {
	files, err := scenarios.Library()
	if err != nil {
		return nil, err
	}
	return Expand(files, nil)
})

// library returns the runs of the library on a machine that can warp.
func library(t *testing.T, at Place) (runs []Run) {
	t.Helper()
	cases, err := libraryCases()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		r := Run{Scenario: c, Place: at}
		if c.Estimate() >= Long {
			r.Place = Place{Kernel: "6.12", Warp: true}
		}
		runs = append(runs, r)
	}
	return runs
}

func TestShardsOfTheLibraryTakeAboutAsLong(t *testing.T) {
	for _, tt := range []struct {
		name       string
		at         Place
		repeat, of int
	}{
		{"in two", Place{}, 1, 2},
		{"in four", Place{}, 1, 4},
		{"in four, repeated", Place{}, 3, 4},
		{"in guests of a second kernel", Place{Kernel: "6.1"}, 1, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			costs, guests := loads(t, library(t, tt.at), tt.repeat, tt.of)
			if most := slowest(costs); most > 1.25 {
				t.Errorf("the slowest takes %.2f times the mean; all: %v, with guests %q", most, costs, guests)
			}
		})
	}
}

func TestAsFewShardsAsCanBootAKernel(t *testing.T) {
	old, latest := Place{Kernel: "6.1", Warp: true}, Place{Kernel: "6.12", Warp: true}
	many := func(n int, at Place) (runs []Run) {
		for range n {
			runs = append(runs, Run{Scenario: &language.Scenario{Duration: language.Duration(time.Second)}, Place: at})
		}
		return runs
	}
	for _, tt := range []struct {
		name string
		runs []Run
		want []string
	}{
		{"a few guests beside many runs here", slices.Concat(many(300, Place{}), many(10, old)), []string{"warped on Linux 6.1", "", ""}},
		{"two kernels beside them", slices.Concat(many(300, Place{}), many(5, old), many(6, latest)), []string{"warped on Linux 6.12", "warped on Linux 6.1", ""}},
		{"two kernels that share a shard", slices.Concat(many(30, old), many(60, latest)), []string{"warped on Linux 6.12", "warped on Linux 6.12", "warped on Linux 6.1"}},
		{"guests alone", many(30, old), []string{"warped on Linux 6.1", "warped on Linux 6.1", "warped on Linux 6.1"}},
		{"no guest", many(3, Place{}), []string{"", "", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := loads(t, tt.runs, 1, 3); !slices.Equal(got, tt.want) {
				t.Errorf("guests of the shards: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestShardsThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		repeat int
		shard  Shard
		want   string
	}{
		{"the zero shard", 1, Shard{}, "the number of shards is 0: want 1 to 1000"},
		{"more than there are", 1, Shard{Index: 6, Of: 5}, "the shard is 6 of 5: want 1 to 5"},
		{"none", 1, Shard{Index: 0, Of: 5}, "the shard is 0 of 5: want 1 to 5"},
		{"very many", 1, Shard{Index: 1, Of: 1001}, "the number of shards is 1001: want 1 to 1000"},
		{"very many runs", 600_000, Shard{Index: 1, Of: 5}, "a suite of 1200000 runs cannot be shared: want 1000000 at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runs := []Run{{Scenario: &language.Scenario{}}, {Scenario: &language.Scenario{}}}
			if _, err := portionOf(runs, tt.repeat, tt.shard); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestPlans(t *testing.T) {
	planOf := func(runs []Run, o Options) *result.Plan {
		t.Helper()
		p, err := (&Suite{Runs: runs, o: o}).Plan()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	base := library(t, Place{})[:20]
	changed := func(change func([]Run)) []Run {
		runs := slices.Clone(base)
		for i := range runs {
			s := *runs[i].Scenario
			runs[i].Scenario = &s
		}
		change(runs)
		return runs
	}
	first := planOf(base, Options{Seed: 7})
	for _, tt := range []struct {
		name string
		runs []Run
		o    Options
		want []string
	}{
		{"the same", base, Options{Seed: 7, Repeat: 1, Jobs: 5, Dir: "x", Shard: Shard{Index: 2, Of: 5}}, nil},
		{"another seed", base, Options{Seed: 8}, []string{"seed 8, not 7"}},
		{"repeated", base, Options{Seed: 7, Repeat: 3}, []string{"repetitions 3, not 1"}},
		{"a run more", append(slices.Clone(base), base[0]), Options{Seed: 7}, []string{"runs 21, not 20"}},
		{"another order", changed(slices.Reverse[[]Run]), Options{Seed: 7}, []string{"other scenarios, parameters or places"}},
		{"another parameter", changed(func(r []Run) { r[3].Scenario.Params = map[string]string{"pos": "8"} }), Options{Seed: 7}, []string{"other scenarios, parameters or places"}},
		{"another title", changed(func(r []Run) { r[3].Scenario.Title += "!" }), Options{Seed: 7}, []string{"other scenarios, parameters or places"}},
		{"another kernel", changed(func(r []Run) { r[3].Place.Kernel = "6.1" }), Options{Seed: 7}, []string{"kernels running, 6.1, not running", "other scenarios, parameters or places"}},
		{"warped", changed(func(r []Run) { r[3].Place.Warp = true }), Options{Seed: 7}, []string{"other scenarios, parameters or places"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, first.Differences(planOf(tt.runs, tt.o))); d != "" {
				t.Errorf("differences (-want +got):\n%s", d)
			}
		})
	}
}

func TestAPlanDoesNotDependOnTheFolder(t *testing.T) {
	text, err := os.ReadFile("../../scenarios/handshake/syn-lost-once.yaml")
	if err != nil {
		t.Fatal(err)
	}
	planIn := func(path string) string {
		t.Helper()
		f, err := language.Parse(path, text)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := f.Expand(nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &Suite{}
		for _, c := range cases {
			s.Runs = append(s.Runs, Run{Scenario: c})
		}
		p, err := s.Plan()
		if err != nil {
			t.Fatal(err)
		}
		return p.SHA256
	}
	want := planIn("a/lost.yaml")
	for _, path := range []string{"b/lost.yaml", "/builds/<1>/lost.yaml"} {
		if got := planIn(path); got != want {
			t.Errorf("in %q the plan is %.12s, in a/ %.12s", path, got, want)
		}
	}
	text = append(text, "# \n"...)
	if planIn("a/lost.yaml") != want {
		t.Error("a comment changes the plan")
	}
	if text = bytes.Replace(text, []byte("title: "), []byte("title: Not "), 1); planIn("a/lost.yaml") == want {
		t.Error("another title does not change the plan")
	}
}
