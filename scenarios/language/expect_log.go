package language

import (
	"strings"
	"time"

	"halfopen/internal/code"
)

// LogExpectation judges the lines that a program printed.
type LogExpectation struct {
	Lines
	Count *Count   `json:"count,omitempty" jsonschema_description:"How many lines. Default: at least one."`
	At    *Span    `json:"at,omitempty" jsonschema_description:"When the first of the lines came, counted from since."`
	Since EventRef `json:"since,omitempty" jsonschema_description:"Only lines from this event on count, and at is counted from it. Default: all lines count, and at is counted from the start of the actors."`
}

func (l *LogExpectation) check(v *validation, pos Pos) {
	l.Lines.check(v, pos)
	v.count(l.Count, "count", pos)
	v.since(&l.Since, true, pos)
	if l.Count != nil && l.Count.Max == 0 && l.At != nil {
		v.errorf(code.Contradiction, l.Count, pos,
			"count: 0 means no line; change it, or remove at")
	}
}

// String is the title of its verdict: "log server.web: a line containing "timed out", at 3s since
// client.exec.start".
func (l *LogExpectation) String() string {
	parts := []string{"a line " + l.how()}
	if l.Count != nil {
		parts[0] = l.Count.Of("line") + " " + l.how()
	}
	if l.At != nil {
		parts = append(parts, "at "+l.At.Source)
	}
	title := "log " + string(l.Log) + ": " + strings.Join(parts, ", ")
	if l.Since != "" {
		title += " since " + string(l.Since)
	}
	return title
}

func (l *LogExpectation) lasts(latest bool) time.Duration { return lastsOf(l.At, latest) }

func (l *LogExpectation) begins() EventRef { return l.Since }

func (*LogExpectation) observed() bool { return false }

func (*LogExpectation) sampledAt() []EventRef { return nil }
