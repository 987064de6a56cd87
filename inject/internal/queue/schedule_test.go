package queue

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"halfopen/scenarios/language"

	"github.com/google/go-cmp/cmp"
)

// let is a packet that a schedule has released.
type let struct {
	id uint32
	at time.Duration
}

// drain releases all due packets, as [Queue.passDue] does.
func drain(s *schedule, now time.Duration, all []let) []let {
	for w := s.pop(now); w != nil; w = s.pop(now) {
		all = let1(s, w, now, all)
	}
	return all
}

func let1(s *schedule, w *waiting, now time.Duration, all []let) []let {
	all = append(all, let{w.id, now})
	for _, free := range s.passed(w.direction, w.order, now) {
		all = let1(s, free, now, all)
	}
	return all
}

// Whatever packets wait for, each is released once, not a nanosecond before its time, and those due
// at the same time in the order in which they came.
func TestScheduleLetsGoInTimeAndInOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := newSchedule()
		var now time.Duration
		var all []let
		came := map[uint32]*waiting{}
		due := map[uint32]time.Duration{}
		events := []language.EventRef{"a", "b"}
		happened := map[language.EventRef]bool{}
		for id := range uint32(200) {
			now += time.Duration(r.IntN(1000)) * time.Microsecond
			all = drain(s, now, all)
			w := &waiting{id: id, at: now + time.Duration(r.IntN(20))*time.Millisecond, order: s.arrival()}
			if r.IntN(5) == 0 {
				if e := events[r.IntN(2)]; !happened[e] {
					w.until = []language.EventRef{e}
				}
			}
			if r.IntN(5) == 0 {
				w.behind, w.patience = 1+r.IntN(3), time.Second
			}
			w.direction.Proto = []string{"tcp", "udp"}[r.IntN(2)]
			came[id], due[id] = w, w.at
			s.add(w)
			if e := events[r.IntN(2)]; r.IntN(100) == 0 {
				happened[e] = true
				s.happened(e, now)
				all = drain(s, now, all)
			}
		}
		for _, e := range events {
			s.happened(e, now)
		}
		for {
			at, some := s.next()
			if !some {
				break
			}
			now = max(now, at)
			all = drain(s, now, all)
		}
		seen := map[uint32]bool{}
		for i, l := range all {
			w := came[l.id]
			if seen[l.id] {
				t.Fatalf("seed %d: packet %d is let go twice", seed, l.id)
			}
			seen[l.id] = true
			if l.at < due[l.id] {
				t.Fatalf("seed %d: packet %d is let go at %v, %v early", seed, l.id, l.at, due[l.id]-l.at)
			}
			for _, later := range all[i+1:] {
				if x := came[later.id]; x.patience == 0 && w.patience == 0 && x.at < w.at {
					t.Fatalf("seed %d: packet %d, due at %v, is let go before packet %d, due at %v", seed, l.id, w.at, later.id, x.at)
				}
			}
		}
		if len(seen) != len(came) {
			t.Fatalf("seed %d: %d of %d packets are let go", seed, len(seen), len(came))
		}
		if len(s.held) > 0 || len(s.due) > 0 {
			t.Fatalf("seed %d: %d events and %d packets are left", seed, len(s.held), len(s.due))
		}
	}
}

func TestScheduleOfOneTimeKeepsTheOrder(t *testing.T) {
	s := newSchedule()
	var want []let
	for id := range uint32(100) {
		s.add(&waiting{id: id, at: time.Second, order: s.arrival()})
		want = append(want, let{id, time.Second})
	}
	if w := s.pop(time.Second - 1); w != nil {
		t.Errorf("packet %d is let go a nanosecond early", w.id)
	}
	if diff := cmp.Diff(want, drain(s, time.Second, nil), cmp.AllowUnexported(let{})); diff != "" {
		t.Errorf("let go (-want +got):\n%s", diff)
	}
}

// A packet that lets two overtake it leaves right after the second packet of its direction, or
// after its patience.
func TestScheduleOvertaking(t *testing.T) {
	slow := func(s *schedule, direction string) *waiting {
		w := &waiting{id: 7, order: s.arrival(), behind: 2, patience: time.Second}
		w.direction.Proto = direction
		s.add(w)
		return w
	}
	s := newSchedule()
	w := slow(s, "tcp")
	if got := drain(s, 0, nil); got != nil {
		t.Fatalf("let go at once: %v", got)
	}
	other := Direction{Proto: "udp"}
	for n := range 5 {
		if free := s.passed(other, s.arrival(), ms); free != nil {
			t.Fatalf("packet %d of another direction has freed it", n)
		}
	}
	if free := s.passed(w.direction, s.arrival(), ms); free != nil {
		t.Fatal("one packet has freed it")
	}
	if free := s.passed(w.direction, s.arrival(), ms); !slices.Equal(free, []*waiting{w}) {
		t.Fatalf("two packets have freed %v", free)
	}
	if got := drain(s, time.Hour, nil); got != nil {
		t.Errorf("it is let go again: %v", got)
	}
	s = newSchedule()
	w = slow(s, "tcp")
	s.passed(w.direction, s.arrival(), ms)
	if got := drain(s, time.Second-1, nil); got != nil {
		t.Errorf("its patience ends early: %v", got)
	}
	if got := drain(s, time.Second, nil); len(got) != 1 {
		t.Errorf("it is still there: %v", got)
	}
}
