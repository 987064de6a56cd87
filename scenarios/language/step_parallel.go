package language

import (
	"strings"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// Parallel does several lists of steps at once.
type Parallel struct {
	Branches [][]Step `yaml:",short" json:"branches" jsonschema_description:"The lists of steps; each is done in order."`
}

func (p *Parallel) check(v *validation, _ *Actor, st *Step) {
	if len(p.Branches) == 0 {
		v.errorf(code.MissingValue, p, st.Pos, "parallel: want a list of lists of steps")
	}
}

func (*Parallel) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (*Parallel) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Parallel) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the number of lists.
func (p *Parallel) Arguments() string { return say.Count(len(p.Branches), "list") }

// Nested returns the lists of steps, which are done once.
func (p *Parallel) Nested() (lists [][]Step, n int) { return p.Branches, 1 }

func (p *Parallel) words() string {
	branches := make([]string, len(p.Branches))
	for i, b := range p.Branches {
		branches[i] = "(" + stepsWords(b) + ")"
	}
	return "at once: " + strings.Join(branches, " and ")
}

// atOnce returns how many lists of steps within the steps run at the same time, with these: each has
// a thread.
func atOnce(steps []Step) int {
	most := 1
	for i := range steps {
		lists, _ := steps[i].Op.Nested()
		sum := 0
		for _, list := range lists {
			sum += atOnce(list)
		}
		if steps[i].Op.Parallel != nil {
			sum++ // the list that waits for the others
		}
		most = max(most, sum)
	}
	return most
}
