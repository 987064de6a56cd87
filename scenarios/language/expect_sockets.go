package language

import (
	"cmp"
	"fmt"
	"time"
)

// SocketsExpectation judges how many sockets there are at an event, or at most at one time.
type SocketsExpectation struct {
	Sockets SocketSelector `json:"sockets" jsonschema_description:"Which sockets."`
	Count   *Count         `json:"count,omitempty" jsonschema_description:"How many there are at the event when."`
	When    EventRef       `json:"when,omitempty" jsonschema_description:"The event at which count is judged. Default: the end of the run."`
	Peak    *Count         `json:"peak,omitempty" jsonschema_description:"The highest number at once."`
}

func (s *SocketsExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&s.Sockets, pos)
	v.event(&s.When, pos, s.When)
	v.count(s.Count, "count", pos)
	v.count(s.Peak, "peak", pos)
	switch {
	case s.Count == nil && s.Peak == nil:
		v.errorf(&s.Sockets, pos, "sockets: want at least one of count and peak")
	case s.Count == nil && v.has(&s.When):
		v.errorf(&s.When, pos,
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
		title += fmt.Sprintf(", peak %s", s.Peak)
	}
	return title
}

// Moment names the moment at which sockets are counted.
func (s *SocketsExpectation) Moment() string { return cmp.Or(string(s.When), "the end of the run") }

func (s *SocketsExpectation) lasts() time.Duration { return 0 }

func (s *SocketsExpectation) observed() bool { return true }

func (s *SocketsExpectation) sampledAt() []EventRef { return []EventRef{s.When} }
