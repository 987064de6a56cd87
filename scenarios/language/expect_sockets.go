package language

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// SocketsExpectation judges how many sockets there are at an event, or at most at one time.
type SocketsExpectation struct {
	Sockets SocketSelector `json:"sockets" jsonschema_description:"Which sockets."`
	Count   *Count         `json:"count,omitempty" jsonschema_description:"How many there are at the event when. If that could not be seen, it fails."`
	When    EventRef       `json:"when,omitempty" jsonschema_description:"The event at which count is judged. Default: the end of the run."`
	Peak    *Peak          `json:"peak,omitempty" jsonschema_description:"The highest number at once; a plain number means at most that many."`
}

// Peak is a Count in which a plain number means at most that many: "3" is "<= 3", and "3..3" exactly
// three.
type Peak struct{ Count }

// Set parses it.
func (p *Peak) Set(text string) error {
	var c Count
	if err := c.Set(text); err != nil {
		return err
	}
	switch {
	case c.Max < 0:
		return code.Errorf(code.OutOfRange, "invalid peak %q: want 0 or more", say.Clip(text))
	case c.Min != c.Max:
	case strings.Contains(text, ".."):
		c.Source = fmt.Sprintf("%d..%d", c.Min, c.Max)
	default:
		c = Count{Source: fmt.Sprintf("<= %d", c.Max), Min: math.MinInt64, Max: c.Max}
	}
	p.Count = c
	return nil
}

// UnmarshalJSON reads what [Count.MarshalJSON] wrote.
func (p *Peak) UnmarshalJSON(data []byte) error { return unmarshalText(data, p) }

// String says it in words: "at most 3 at once".
func (p Peak) String() string {
	return p.words(p.Count.String(), func(n int64) string { return strconv.FormatInt(n, 10) })
}

// Of says it in words with a noun: "at most 3 sockets at once".
func (p Peak) Of(noun string) string {
	return p.words(p.Count.Of(noun), func(n int64) string { return say.Count(n, noun) })
}

// words says it with a bound that number writes, or as a range.
func (p Peak) words(asRange string, number func(int64) string) string {
	switch {
	case p.Min == math.MinInt64:
		return "at most " + number(p.Max) + " at once"
	case p.Max == math.MaxInt64:
		return "at least " + number(p.Min) + " at once"
	case p.Min == p.Max:
		return "exactly " + number(p.Min) + " at once"
	}
	return asRange + " at once"
}

func (s *SocketsExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&s.Sockets, pos)
	v.event(&s.When, pos)
	v.count(s.Count, "count", pos)
	switch {
	case s.Count == nil && s.Peak == nil:
		v.errorf(code.MissingKey, &s.Sockets, pos, "sockets: want at least one of count and peak")
	case s.Count == nil && v.has(&s.When):
		v.errorf(code.NoEffect, &s.When, pos,
			"when without count: when is the moment of count; set count, or remove when")
	}
}

// String is the title of its verdict: "sockets: server in TIME_WAIT, 500 at the end of the run".
func (s *SocketsExpectation) String() string {
	title := "sockets: " + s.Sockets.String()
	if s.Count != nil {
		title += fmt.Sprintf(", %s at %s", s.Count, s.Moment())
	}
	if s.Peak != nil {
		title += ", " + s.Peak.String()
	}
	return title
}

// Moment names the moment at which sockets are counted.
func (s *SocketsExpectation) Moment() string { return cmp.Or(string(s.When), "the end of the run") }

func (s *SocketsExpectation) lasts(bool) time.Duration { return 0 }

func (s *SocketsExpectation) begins() EventRef { return s.When }

func (s *SocketsExpectation) observed() bool { return true }

func (s *SocketsExpectation) sampledAt() []EventRef { return []EventRef{s.When} }
