package language

import (
	"fmt"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// Repeat does several steps several times.
type Repeat struct {
	Times int    `json:"times" jsonschema_description:"How many times, 1 to 100000."`
	Steps []Step `json:"steps" jsonschema_description:"The steps, in order."`
}

func (r *Repeat) check(v *validation, _ *Actor, st *Step) {
	if r.Times < 1 || r.Times > maxTimes {
		v.errorf(code.OutOfRange, &r.Times, st.Pos,
			"repeat: invalid times %d: want 1 to %d", r.Times, maxTimes)
	}
}

func (*Repeat) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Repeat) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Repeat) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns how many times the steps are done.
func (r *Repeat) Arguments() string { return say.Count(r.Times, "time") }

// Nested returns the list of steps, and how many times it is done.
func (r *Repeat) Nested() (lists [][]Step, n int) { return [][]Step{r.Steps}, r.Times }

func (r *Repeat) words() string {
	return fmt.Sprintf("repeat %d times: %s", r.Times, stepsWords(r.Steps))
}
