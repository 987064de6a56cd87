package suite

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestFewerRunsGoOnWhenTheMachineIsLate(t *testing.T) {
	const ms = time.Millisecond
	type run struct {
		times int
		late  time.Duration
		since int
	}
	for _, tt := range []struct {
		name string
		most int
		runs []run
		now  int
		late time.Duration
	}{
		{"in time, as many as asked for", 16, []run{{100, 0, 0}}, 16, 0},
		{"a little late, as many", 16, []run{{100, 190 * ms, 0}}, 16, 0},
		{"one is late", 16, []run{{1, 300 * ms, 0}}, 12, 300 * ms},
		{"those that began with it say nothing new", 16, []run{{10, 300 * ms, 0}}, 12, 300 * ms},
		{"later ones do", 16, []run{{1, 300 * ms, 0}, {1, 400 * ms, 1}}, 9, 400 * ms},
		{"never fewer than one", 2, []run{{1, 300 * ms, 0}, {1, 300 * ms, 1}, {1, 300 * ms, 2}}, 1, 300 * ms},
		{"more again after as many in time", 16, []run{{1, 300 * ms, 0}, {12, 9 * ms, 1}}, 13, 300 * ms},
		{"not while some are late", 16, []run{{1, 300 * ms, 0}, {11, 9 * ms, 1}, {1, 60 * ms, 1}, {11, 9 * ms, 1}}, 12, 300 * ms},
		{"up to what was asked for", 2, []run{{1, 300 * ms, 0}, {100, 9 * ms, 1}}, 2, 300 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPace(tt.most)
			for _, r := range tt.runs {
				for range r.times {
					p.saw(r.late, r.since)
				}
			}
			if p.allowed != tt.now || p.report().Late != tt.late {
				t.Errorf("%d runs at once, %v late; want %d, %v", p.allowed, p.Late, tt.now, tt.late)
			}
		})
	}
}

func TestOnlyRunsThatHadToWaitAreReported(t *testing.T) {
	for _, tt := range []struct {
		name string
		// runs begin as soon as they may, the first three late; then all end, one by one.
		most, runs int
		want       Pace
	}{
		{"none waits", 4, 3, Pace{Most: 4, Fewest: 4, Late: time.Second}},
		{"one waits for a place that is taken", 3, 4, Pace{Most: 3, Fewest: 2, Late: time.Second}},
		{"one waits that could have begun", 4, 4, Pace{Most: 4, Fewest: 3, Late: time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPace(tt.most)
				for i := range tt.runs {
					if i == 3 {
						p.saw(time.Second, 0)
					}
					go p.begin(t.Context())
					synctest.Wait()
				}
				if tt.runs == 3 {
					p.saw(time.Second, 0)
				}
				for range tt.runs {
					p.end()
					synctest.Wait()
				}
				if got := p.report(); got != tt.want {
					t.Errorf("the report is %+v, want %+v", got, tt.want)
				}
			})
		})
	}
}

func TestRunsWaitForTheirPlace(t *testing.T) {
	p := newPace(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, ok := p.begin(ctx); !ok {
		t.Fatal("the first run does not begin")
	}
	began := make(chan bool)
	go func() {
		_, ok := p.begin(ctx)
		began <- ok
	}()
	p.end()
	if !<-began {
		t.Error("the second run does not begin after the end of the first")
	}
	go func() {
		_, ok := p.begin(ctx)
		began <- ok
	}()
	cancel()
	if <-began {
		t.Error("a run begins in a suite that was canceled")
	}
}
