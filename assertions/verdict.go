// Package assertions judges a run: it compares the run's trace with the scenario's expectations,
// and with what every run must meet. It is pure: the same scenario and trace give the same
// verdicts, with or without a lab, today or next year.
//
// A failure says what was wanted, what was seen instead, and which packets or states it is about.
package assertions

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"halfopen/scenarios/language"
)

// Status is the outcome of a verdict.
type Status string

// The outcomes.
const (
	Pass Status = "pass"
	Fail Status = "fail"
	// Skip is for an expectation that does not hold for this kernel (its where), or for which this
	// kernel or this user cannot see enough; Reason says why.
	Skip Status = "skip"
	// Inconclusive is for an expectation about time or order that is not met by less than the lab was
	// late, and for one that depends on what the kernel saw and lost: the machine may be the reason.
	// Reason says so. It does not pass.
	Inconclusive Status = "inconclusive"
)

// Verdict is an expectation judged against a trace.
type Verdict struct {
	// Kind is the expectation's kind as written in YAML: step, packets, ... What every run must
	// meet has the kinds fault, end and problem.
	Kind string `json:"kind"`
	// Index is the place in the scenario's expect list, from 0; -1 for what every run must meet.
	Index int `json:"index"`
	// Pos is the place in the scenario's file of the expectation, or of the fault that struck
	// nothing.
	Pos    language.Pos `json:"pos,omitzero"`
	Status Status       `json:"status"`
	// Code says in a word why the verdict is not a pass: of several things that differ, the first. It is
	// "" for a pass.
	Code Code `json:"code,omitempty"`
	// Title says in one line what was expected: "client.connect: ETIMEDOUT after 63s".
	Title string `json:"title"`
	// Want and Got are what was wanted and seen: only the things that differ, or everything if
	// nothing differs.
	Want string `json:"want,omitempty"`
	Got  string `json:"got,omitempty"`
	// Reason explains every outcome but a pass. Its first line is complete by itself; the others list
	// what was seen.
	Reason string `json:"reason,omitempty"`
	// Why is what the first line of Reason says of a failure that Want and Got do not.
	Why string `json:"why,omitempty"`
	// Timed is set for a failure that lateness of the lab may explain, or a part of it.
	Timed bool `json:"timed,omitempty"`
	// Unseen is set if the verdict is only about what could not be seen: it may have been as wanted.
	Unseen bool `json:"unseen,omitempty"`
	// Because says what of the machine made a verdict inconclusive: "the machine was 140ms late". Late is
	// how late the lab was in the time that it is about; 0 if lateness is not the reason.
	Because string        `json:"because,omitempty"`
	Late    time.Duration `json:"late,omitempty"`
	// Notes are what to know about the verdict that does not change it, such as a pass for which
	// the run gave no occasion to fail; a sentence each, without a full stop.
	Notes []string `json:"notes,omitempty"`
	// Packets and Sockets are the indexes, in order, of the trace's events that the verdict is
	// about. Each packet is where its observer saw it.
	Packets []int `json:"packets,omitempty"`
	// Differing are the packets at which a sequence, a gap or a time is not as wanted.
	Differing []int `json:"differing,omitempty"`
	Sockets   []int `json:"sockets,omitempty"`
}

// draft is a verdict in the making.
type draft struct {
	Verdict
	// wants and gots have everything until something differs, then only the things that differ.
	wants, gots, failures []string
	// whys are what failures say that wants and gots do not.
	whys []string
	// listed are lines that a failure shows below its reason.
	listed []string
	// margins are of the failures that lateness may explain; hard is set if there are others.
	margins []margin
	hard    bool
}

// newDraft begins a verdict, which passes until something differs.
func newDraft(kind string, index int, pos language.Pos, title string) draft {
	return draft{Verdict: Verdict{Kind: kind, Index: index, Pos: pos, Status: Pass, Title: title}}
}

// saw records a property that was judged: ok means it is as wanted, c is the code if it is not.
func (v *draft) saw(c Code, ok bool, want, got string) {
	if ok {
		if v.Status == Pass {
			v.wants, v.gots = append(v.wants, want), append(v.gots, got)
		}
		return
	}
	v.fail(c, want, got, fmt.Sprintf("wanted %s, saw %s", want, got))
}

// fewer returns the code of a number of things that is too small, or that of one that is too large.
func fewer(n int64, want *language.Count, tooFew, tooMany Code) Code {
	if n < want.Min {
		return tooFew
	}
	return tooMany
}

// noteAny notes a range that takes any number of things.
func (v *draft) noteAny(want *language.Count, noun string) {
	if want.Min <= 0 && want.Max == math.MaxInt64 {
		v.note("%q takes any number of %ss", want, noun)
	}
}

// fail records a failure with its own text.
func (v *draft) fail(c Code, want, got, text string) {
	v.differ(c, want, got, text, beyond(text, want, got))
	v.hard = true
}

// beyond returns what a text says after what was wanted and seen; all of it if it does not begin with
// that.
func beyond(text, want, got string) string {
	rest, ok := strings.CutPrefix(text, fmt.Sprintf("wanted %s, saw %s", want, got))
	switch {
	case !ok:
		return text
	case rest == "":
		return ""
	}
	if more, ok := strings.CutPrefix(rest, ": "); ok {
		return more
	}
	return text
}

// differ records what differs: what was wanted and seen, both in a sentence, and what that says in
// addition.
func (v *draft) differ(c Code, want, got, text, why string) {
	if v.Status != Fail || v.Unseen { // what is known to differ says more
		v.Code = c
	}
	if why != "" && !slices.Contains(v.whys, why) {
		v.whys = append(v.whys, why)
	}
	if v.Status != Fail {
		v.Status = Fail
		v.wants, v.gots = nil, nil
	}
	v.Unseen, v.Because = false, ""
	v.wants, v.gots, v.failures = append(v.wants, want), append(v.gots, got), append(v.failures,
		text)
}

// skip records that the expectation cannot be judged for this run, and why.
func (v *draft) skip(c Code, format string, args ...any) {
	v.Status, v.Code, v.Reason = Skip, c, fmt.Sprintf(format, args...)
}

// unseen records a failure of what could not be seen. The verdict is [Verdict.Unseen] if nothing else
// failed.
func (v *draft) unseen(want, got, text string) {
	only := v.Status != Fail || v.Unseen
	v.fail(NotObserved, want, got, text)
	v.Unseen = only
}

// lost records what could not be seen because the kernel lost its reports of it. The verdict is
// inconclusive if nothing else failed: see [evidence.excuse].
func (v *draft) lost(c Code, want, got, text, because string) {
	only := v.Status != Fail || v.Because != ""
	v.unseen(want, got, text)
	if only {
		v.Code, v.Because = c, because
	}
}

// note records a sentence for a reader who asks for more than the verdict. It is kept once.
func (v *draft) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(v.Notes, text) {
		v.Notes = append(v.Notes, text)
	}
}

// list adds lines that a failure shows below its reason.
func (v *draft) list(lines ...string) { v.listed = append(v.listed, lines...) }

// mostListed is how many lines of evidence a reason shows.
const mostListed = 40

// folded joins texts, and counts a text that comes several times in a row. A text that was seen for
// several things that were wanted is not counted, only said once.
func folded(all, wanted []string) string {
	var parts []string
	for i := 0; i < len(all); {
		n := 1
		for i+n < len(all) && all[i+n] == all[i] {
			n++
		}
		text := all[i]
		if n > 1 && wanted[i] == wanted[i+n-1] {
			text += fmt.Sprintf(" (%d times)", n)
		}
		parts = append(parts, text)
		i += n
	}
	return strings.Join(parts, "; ")
}

// shortened drops most of the texts of a step with many executions.
func shortened(all []string) []string {
	const most = 12
	if len(all) <= most+1 {
		return all
	}
	return append(all[:most:most], fmt.Sprintf("and %d more", len(all)-most))
}

// finish returns the verdict, with Want, Got and Reason written from what was recorded.
func (v *draft) finish() Verdict {
	if v.Status == Pass {
		v.wants, v.gots = shortened(v.wants), shortened(v.gots)
	}
	if len(v.wants) > 0 {
		v.Want, v.Got = folded(v.wants, v.wants), folded(v.gots, v.wants)
	}
	if v.Status != Fail && v.Status != Inconclusive {
		return v.Verdict
	}
	lines := []string{strings.Join(v.failures, "; ")}
	if n := len(v.listed); n > mostListed {
		v.listed = append(v.listed[:mostListed:mostListed],
			fmt.Sprintf("  and %d more", n-mostListed))
	}
	v.Reason = strings.Join(append(lines, v.listed...), "\n")
	v.Why = strings.Join(v.whys, "; ")
	return v.Verdict
}
