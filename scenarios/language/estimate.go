package language

import "time"

// deadlineSlack is what a run may take beside its own timers: building the lab, a busy machine.
const deadlineSlack = 10 * time.Second

// DeadlineOrDefault returns when the run is ended although an actor still hangs: the scenario's
// deadline, or half as long again as the estimate, and 10 s.
func (s *Scenario) DeadlineOrDefault() time.Duration {
	if s.Deadline > 0 {
		return time.Duration(s.Deadline)
	}
	e := s.Estimate()
	return e + e/2 + deadlineSlack
}

// SnaplenOrDefault returns how many bytes of each frame the capture keeps.
func (s *Scenario) SnaplenOrDefault() int {
	if s.Network.Snaplen == 0 {
		return defaultSnaplen
	}
	return s.Network.Snaplen
}

// Estimate returns about how long the run takes: the scenario's duration where it says so, else the
// longest of what each actor needs for its steps, what expectations say of packets and states, and
// when faults end. A step needs what is expected of it, else what it sleeps, the timeout it may run
// into, or what its rate says.
func (s *Scenario) Estimate() time.Duration {
	if s.Duration > 0 {
		return time.Duration(s.Duration)
	}
	took := map[string]time.Duration{}
	for i := range s.Expect {
		if e := s.Expect[i].Step; e != nil && e.Took != nil {
			actor, step, _ := e.Step.Split()
			took[actor+"."+step] = max(took[actor+"."+step], e.Took.Want)
		}
	}
	longest := time.Duration(0)
	for i := range s.Actors {
		longest = max(longest, stepsTime(s.Actors[i].Name, s.Actors[i].Steps, took))
	}
	for i := range s.Faults {
		longest = max(longest, time.Duration(s.Faults[i].After+s.Faults[i].For))
	}
	for i := range s.Expect {
		longest = max(longest, s.Expect[i].lasts())
	}
	return longest
}

// stepsTime sums what an actor's steps need. took is what is expected of them, by ACTOR.STEP.
func stepsTime(actor string, steps []Step, took map[string]time.Duration) time.Duration {
	var sum time.Duration
	for i := range steps {
		st := &steps[i]
		d, expected := took[actor+"."+st.ID]
		if op := st.Op.Operation(); op != nil && !expected {
			d = op.lasts()
			lists, n := st.Op.Nested()
			for _, list := range lists {
				d = max(d, times(stepsTime(actor, list, took), n))
			}
		}
		sum = min(sum+times(d, max(st.Times, 1)), maxDuration)
	}
	return sum
}

// times multiplies and stops at maxDuration.
func times(d time.Duration, n int) time.Duration {
	if n > 0 && d > maxDuration/time.Duration(n) {
		return maxDuration
	}
	return d * time.Duration(n)
}
