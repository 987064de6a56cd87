package language

import "time"

// deadlineSlack is added for time that timers do not explain: building the lab, a busy machine.
const deadlineSlack = 10 * time.Second

// DeadlineOrDefault returns when the run is ended even if an actor still hangs: the deadline of the
// scenario, or 1.5 times its estimate, plus 10 s.
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

// Estimate returns roughly how long the run takes: the duration of the scenario if it is set.
// Otherwise it is the longest of the time that each actor needs for its steps, the times that
// expectations name for packets and states, and the ends of faults. A step needs the time that an
// expectation says, else its sleep, its timeout, or the time that its rate implies.
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

// stepsTime sums the time that the steps of an actor need. took is the time that expectations say,
// by ACTOR.STEP.
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

// times multiplies d by n. The result is at most maxDuration.
func times(d time.Duration, n int) time.Duration {
	if n > 0 && d > maxDuration/time.Duration(n) {
		return maxDuration
	}
	return d * time.Duration(n)
}
