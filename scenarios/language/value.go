package language

import (
	"math"
	"reflect"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/decode"
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

// Ints is one integer or a list of them.
type Ints []int

// Names is one name or a list of them.
type Names []string

// Kinds is one segment kind or a list of them.
type Kinds []SegmentKind

// States is one TCP state or a list of them.
type States []State

// EventRef names an event: the end of a step (client.connect), its start (server.accept.start), its nth execution
// (client.send[3]), the nth hit of a fault (fault.NAME.hit[3]; fault.NAME.hit is the first), or a signal step's event
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

// Of writes the range and what is counted: "1 packet", "3 packets", ">= 1 packets".
func (c Count) Of(noun string) string {
	if c.Min == c.Max {
		return say.Count(c.Min, noun)
	}
	return c.String() + " " + noun + "s"
}

// Contains reports whether n lies in the range.
func (c Count) Contains(n int64) bool { return c.Min <= n && n <= c.Max }

// Span is a range of durations, written "63s" (a kernel timer: never early, up to 12.5 % late), ">= 3s", "< 5ms",
// "2s..5s", "63s ±2%" or "~40ms ±10ms".
type Span struct {
	// Source is the text it was written as.
	Source string
	// Min and Max are inclusive; math.MinInt64 and math.MaxInt64 stand for no bound.
	Min, Max time.Duration
	// Timer is true for a plain duration, to which the rule of kernel timers was applied; Want is then that duration. For
	// "~40ms ±10ms" Want is 40ms; for the other forms it is Min, or Max where there is no Min.
	Timer bool
	Want  time.Duration
}

// Contains reports whether d lies in the range.
func (s Span) Contains(d time.Duration) bool { return s.Min <= d && d <= s.Max }

// The rule for a plain duration, from how the kernel keeps time (kernel/time/timer.c): a timer never fires before its
// time, and the wheel's granularity is up to an eighth of the timeout.
const (
	// TimerEarly allows for the two clock readings whose difference is judged: they are not taken at the instant the timer
	// is armed and fires, but one tick of a slow kernel (HZ=250) may lie between.
	TimerEarly = 4 * time.Millisecond
	// TimerLate is the granularity of the wheel, as a fraction of the timeout.
	TimerLate = 0.125
	// TimerSlack is what a busy machine may add before the observer runs.
	TimerSlack = 50 * time.Millisecond
)

// TimerSpan returns the range that a kernel timer of d may take.
func TimerSpan(d time.Duration) Span {
	return Span{
		Source: d.String(),
		Min:    d - min(TimerEarly, d),
		Max:    d + time.Duration(math.Round(float64(d)*TimerLate)) + TimerSlack,
		Timer:  true,
		Want:   d,
	}
}

// Text matches a string: equal to it, containing it, or matching a regular expression; a scalar means equal. Exactly one
// field is set.
type Text struct {
	Is       *string `json:"is,omitempty" jsonschema_description:"Equal to this; white space at both ends is ignored."`
	Contains *string `json:"contains,omitempty" jsonschema_description:"Contains this."`
	Matches  *string `json:"matches,omitempty" jsonschema_description:"Contains a match of this regular expression (RE2)."`
	// Number is set where the scalar is a range of integers with a comparator, such as ">= 3"; the text must then be an integer in it.
	Number *Count `json:"number,omitempty" yaml:"-"`
}

// text reads a text to match: a scalar is a text to be equal to, or a range of integers where it has a comparator.
func (d *decoder) text(n *yaml.Node, t *Text) {
	if !decode.IsScalar(n) {
		before := len(d.Mistakes())
		d.Plain(n, reflect.ValueOf(t).Elem())
		if set := oneOfCount(t.Is, t.Contains, t.Matches); set != 1 && len(d.Mistakes()) == before {
			d.Errorf(n, "want exactly one of is, contains and matches")
		}
		return
	}
	if isRange(n.Value) {
		t.Number = &Count{}
		if t.Number.Set(n.Value) == nil {
			return
		}
		t.Number = nil
	}
	t.Is = &n.Value
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

// String says what the text must be: "hello", containing "hello", matching /hel+o/, >= 3.
func (t *Text) String() string {
	switch {
	case t.Is != nil:
		return strconv.Quote(*t.Is)
	case t.Contains != nil:
		return "containing " + strconv.Quote(*t.Contains)
	case t.Matches != nil:
		return "matching /" + *t.Matches + "/"
	case t.Number != nil:
		return t.Number.String()
	}
	return "of any kind"
}
