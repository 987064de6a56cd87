package result

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/assertions"
	"halfopen/internal/say"
)

// Attempt is a run that was inconclusive and was done again.
type Attempt struct {
	// Because says what of the machine was the reason, Late how late the lab was; 0 if lateness was not
	// the reason. Checks are the titles of what could not be judged for it.
	Because string        `json:"because,omitempty"`
	Late    time.Duration `json:"late"`
	Checks  []string      `json:"checks"`
	// Seconds is the real time that the run took.
	Seconds float64 `json:"seconds"`
	// Dir is the directory where it is stored, "" if it is not.
	Dir string `json:"dir,omitempty"`
}

// NewAttempt returns the attempt that an inconclusive result was.
func NewAttempt(r *Result) Attempt {
	a := Attempt{
		Because: r.Because(), Late: r.Late(), Checks: []string{}, Seconds: r.Took.Seconds(), Dir: r.Dir,
	}
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; v.Status == assertions.Inconclusive {
			a.Checks = append(a.Checks, v.Title)
		}
	}
	return a
}

// Because says what of the machine made verdicts inconclusive: "the machine was 140ms late"; "" if none
// are. Of several times in which it was late, the longest counts.
func (r *Result) Because() string {
	var texts []string
	longest := r.Late()
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v.Status == assertions.Inconclusive && v.Late == longest ||
			v.Late == 0 && v.Because != "" {
			texts = append(texts, v.Because)
		}
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "; ")
}

// Late returns how late the lab was in the times that inconclusive verdicts are about; 0 if there are
// none.
func (r *Result) Late() time.Duration {
	late := time.Duration(0)
	for i := range r.Verdicts {
		late = max(late, r.Verdicts[i].Late)
	}
	return late
}

// AttemptsText says that a run was inconclusive, how often it was done, and what came of it:
// "inconclusive: the machine was 140ms late; passed on attempt 2"; "" if it was done once and judged.
func (r *Result) AttemptsText() string {
	if len(r.Attempts) == 0 && r.Status != Inconclusive {
		return ""
	}
	var parts []string
	for i := range r.Attempts {
		text := inconclusive(r.Attempts[i].Because, r.Attempts[i].Late)
		if i > 0 {
			text = fmt.Sprintf("attempt %d %s", i+1, text)
		}
		parts = append(parts, text)
	}
	n := len(r.Attempts) + 1
	switch r.Status {
	case Pass:
		parts = append(parts, fmt.Sprintf("passed on attempt %d", n))
	case Fail:
		parts = append(parts, fmt.Sprintf("failed on attempt %d", n))
	case Inconclusive:
		text := inconclusive(r.Because(), r.Late())
		if n > 1 {
			text = fmt.Sprintf("attempt %d %s", n, text)
		}
		parts = append(parts, text)
		if r.Once != "" {
			parts = append(parts, "not repeated: "+r.Once)
		}
	case NotRun: // it is to be done again
	default:
		parts = append(parts, fmt.Sprintf("%s on attempt %d", r.Status, n))
	}
	return strings.Join(parts, "; ")
}

// inconclusive says why a run was inconclusive. Results of an earlier version have only how late the
// machine was.
func inconclusive(because string, late time.Duration) string {
	if because == "" {
		because = fmt.Sprintf("the machine was %s late", say.Duration(late))
	}
	return "inconclusive: " + because
}
