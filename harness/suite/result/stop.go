package result

import (
	"fmt"
	"strings"
)

// Stop is why a suite ended before all of its runs had ended.
type Stop string

const (
	// NotStopped is the zero Stop: every run had its turn.
	NotStopped Stop = ""
	// Interrupted means that the caller canceled the suite, usually because of a signal.
	Interrupted Stop = "interrupted"
	// FailFast means that a run did not pass, and that the suite was to end then.
	FailFast Stop = "fail-fast"
	// OutOfTime means that the time of the suite was over.
	OutOfTime Stop = "max-time"
	// UntilFail means that runs were repeated until one failed, and one has.
	UntilFail Stop = "until-fail"
)

// Words says why a suite ended, for people: "the time of the suite was over".
func (s Stop) Words() string {
	switch s {
	case Interrupted:
		return "the runs were canceled"
	case FailFast:
		return "the suite ended by the first failure"
	case OutOfTime:
		return "the time of the suite was over"
	case UntilFail:
		return "the suite ended when a run failed"
	}
	return string(s)
}

// Rest is a run, or repetitions of it, that never began because the suite ended before.
type Rest struct {
	// Run is the first of its repetitions, with the number 0.
	Run Run
	// Times is how many repetitions never began, All how many there are.
	Times, All int
}

// mostRest is how many runs [RestText] names.
const mostRest = 20

// RestText names the runs that never began: "a retries=3 v4, b (12 of 50), and 3 more"; "" if there are
// none.
func RestText(rest []Rest) string {
	var names []string
	for i := range rest {
		r := &rest[i]
		if i == mostRest {
			return strings.Join(names, ", ") + ", and " + fmt.Sprintf("%d more", len(rest)-i)
		}
		name := r.Run.ID()
		if at := r.Run.Place.String(); at != "" {
			name += " " + at
		}
		if r.All > 1 {
			name += fmt.Sprintf(" (%d of %d)", r.Times, r.All)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
