package language

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"halfopen/internal/say"
)

// Duration is a time written with a unit: 200ms, 63s, 2m, 1h30m.
type Duration time.Duration

// Percent is a probability from 0 to 1, written 5% or 0.5%.
type Percent float64

// Size is a number of bytes, written 512, 64kB (64 * 1024, as the kernel counts buffers) or 1MB.
type Size int64

// BitRate is in bits per second, written 500kbit or 1mbit (decimal, as tc counts).
type BitRate uint64

// Ints is a list of integers; in YAML, one integer may stand for a list of one.
type Ints []int

// Names is a list of names; in YAML, one name may stand for a list of one.
type Names []string

// UnmarshalJSON reads a list of names, or one name, as earlier versions wrote it for where.
func (n *Names) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, (*[]string)(n))
	}
	*n = Names{""}
	return json.Unmarshal(data, &(*n)[0])
}

// Kinds is a list of segment kinds; in YAML, one kind may stand for a list of one.
type Kinds []SegmentKind

// States is a list of TCP states; in YAML, one state may stand for a list of one.
type States []State

// EventRef names an event: the end of a step (client.connect), its start (server.accept.start), the
// end of its program (server.web.ended), the end of its Nth execution (client.send[3]), the Nth hit of
// a fault (fault.NAME.hit[3]; fault.NAME.hit is the first), or the event of a signal step
// (ACTOR.signal.NAME).
type EventRef string

// StepRef names a step (client.connect) or one of its executions (client.connect[3]).
type StepRef string

// Count is a range of integers, written 3, ">= 3", "> 3", "<= 3", "< 3" or "2..5".
type Count struct {
	// Source is the text it was written as.
	Source string
	// Min and Max are inclusive; math.MinInt64 and math.MaxInt64 stand for no bound.
	Min, Max int64
}

// Of returns the range with a noun: "1 packet", "3 packets", ">= 1 packets".
func (c Count) Of(noun string) string {
	if c.Min == c.Max {
		return say.Count(c.Min, noun)
	}
	return c.String() + " " + noun + "s"
}

// Contains reports whether n is in the range.
func (c Count) Contains(n int64) bool { return c.Min <= n && n <= c.Max }

// All reports whether each number from least to most is in the range, Any whether one is.
func (c Count) All(least, most int64) bool { return c.Min <= least && most <= c.Max }

// Any is explained at [Count.All].
func (c Count) Any(least, most int64) bool { return c.Min <= most && least <= c.Max }

// Span is a range of durations, written "63s" (a kernel timer: never early, up to 12.5 % late),
// ">= 3s", "< 5ms", "2s..5s", "63s ±2%" or "~40ms ±10ms".
type Span struct {
	// Source is the text it was written as.
	Source string
	// Min and Max are inclusive; math.MinInt64 and math.MaxInt64 stand for no bound.
	Min, Max time.Duration
	// Timer is true for a plain duration, to which the rule for kernel timers was applied; Want is
	// that duration. For "~40ms ±10ms" Want is 40ms; for other forms it is Min, or Max if there is
	// no Min.
	Timer bool
	Want  time.Duration
}

// lasts returns how long something takes of which the span is expected: the duration that it names,
// or its lower bound, or 0 if it has none. With latest it returns the longest time that the span
// allows; of one that allows any, its lower bound.
func (s Span) lasts(latest bool) time.Duration {
	switch {
	case latest:
		return s.most()
	case s.Min == math.MinInt64:
		return 0
	}
	return s.Want
}

// most returns the upper bound; of a span without one, the lower bound.
func (s Span) most() time.Duration {
	if s.Min == math.MinInt64 || s.Max == math.MaxInt64 {
		return s.Want // as it is written
	}
	return s.Max
}

// lastsWith returns the same of something that takes some time according to what it is asked to do: a
// sleep, a timeout. A bound does not replace that time, but limits it.
func (s Span) lastsWith(asked time.Duration, latest bool) time.Duration {
	switch named := s.Timer || s.Min < s.Want && s.Want < s.Max && s.Min != math.MinInt64; {
	case s.Max == math.MaxInt64:
		return max(asked, s.Want)
	case latest, named:
		return s.lasts(latest)
	}
	return min(max(asked, s.lasts(false)), s.most())
}

// Contains reports whether d is in the range.
func (s Span) Contains(d time.Duration) bool { return s.Min <= d && d <= s.Max }

// The rule for a plain duration, from the way the kernel keeps time (kernel/time/timer.c): a timer
// never fires before its time, and the granularity of the wheel is up to an eighth of the timeout.
const (
	// TimerEarly allows for the two clock readings whose difference is judged. They are not taken
	// at the very moment the timer is armed and fires: one tick of a slow kernel (HZ=250) may lie
	// between.
	TimerEarly = 4 * time.Millisecond
	// TimerLate is the granularity of the wheel, as a fraction of the timeout.
	TimerLate = 0.125
	// TimerSlack is the time that a busy machine may add before the observer runs.
	TimerSlack = 50 * time.Millisecond
)

// TimerSpan returns the range of times that a kernel timer of d may take.
func TimerSpan(d time.Duration) Span {
	return Span{
		Source: d.String(),
		Min:    d - min(TimerEarly, d),
		Max:    d + time.Duration(math.Round(float64(d)*TimerLate)) + TimerSlack,
		Timer:  true,
		Want:   d,
	}
}

func oneOfCount[T any](pointers ...*T) int {
	n := 0
	for _, p := range pointers {
		if p != nil {
			n++
		}
	}
	return n
}
