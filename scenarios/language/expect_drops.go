package language

import (
	"slices"
	"strings"
	"time"

	"halfopen/internal/code"
)

// DropsExpectation judges the packets that a host's kernel discarded.
type DropsExpectation struct {
	Drops DropSelector `json:"drops" jsonschema_description:"Which drops."`
	Count *Count       `json:"count,omitempty" jsonschema_description:"How many packets were dropped."`
	None  bool         `json:"none,omitempty" jsonschema_description:"true: there is no such drop; the same as count: 0."`
	At    []Span       `json:"at,omitempty" jsonschema_description:"When each packet was dropped, counted from since. With count, the list may be longer."`
	Since EventRef     `json:"since,omitempty" jsonschema_description:"Only drops from this event on count, and at is counted from it. Default: all drops count, and at is counted from the first of them."`
}

// DropSelector selects drops: by host, by reason, and by what a selector says of the packet.
type DropSelector struct {
	Host   string      `json:"host" jsonschema_description:"The host whose kernel dropped the packet; wire is one, too."`
	Reason DropReasons `json:"reason,omitempty" jsonschema_description:"The kernel's reason, or a list of reasons: TCP_CSUM, NO_SOCKET. Default: each that proves a loss, apart from those of faults."`
	Selector
}

// dropKeys are the keys of selectors that a drop answers: the kernel shows the packet's headers,
// without its place in a connection.
var dropKeys = []Key{
	KeyFrom, KeyTo, KeyTCP, KeyUDP, KeyICMP, KeyPort, KeySPort, KeyDPort, KeyPayloadLength, KeyOptions,
	KeyWindow, KeyTTL,
}

// String returns the selector in words: "server, TCP_CSUM, DATA from client".
func (s *DropSelector) String() string {
	reason := "any reason"
	if len(s.Reason) > 0 {
		reason = strings.Join(texts(s.Reason...), " or ")
	}
	if len(s.Keys()) > 0 {
		reason += ", " + s.Selector.String()
	}
	return s.Host + ", " + reason
}

func (d *DropsExpectation) check(v *validation, pos Pos) {
	s := &d.Drops
	v.host(&s.Host, pos, s.Host, true)
	v.selector(&s.Selector, pos)
	if k := s.Beyond(dropKeys...); k != "" {
		v.errorf(code.MisplacedKey, s, pos,
			"drops: a drop does not show the key %s; want some of %s", k,
			strings.Join(texts(dropKeys...), ", "))
	}
	if v.has(&s.Reason) && len(s.Reason) == 0 {
		v.errorf(code.MissingValue, &s.Reason, pos, "reason is empty; name one, or remove the key")
	}
	for i, r := range s.Reason {
		switch {
		case slices.Contains(s.Reason[:i], r):
			v.errorf(code.DuplicateEntry, &s.Reason[i], pos, "%s is listed twice; keep one", r)
		case r == "NOT_SPECIFIED":
			v.errorf(code.InvalidValue, &s.Reason[i], pos,
				"NOT_SPECIFIED proves no loss: kernels also free packets "+
					"with it that they have used; name another reason")
		}
	}
	v.since(&d.Since, true, pos)
	v.count(d.Count, "count", pos)
	switch {
	case d.None && (d.Count != nil || len(d.At) > 0):
		v.errorf(code.Contradiction, &d.None, pos,
			"none means no drops; remove it, or remove count and at")
	case d.Count != nil && d.Count.Max == 0 && len(d.At) > 0:
		v.errorf(code.Contradiction, d.Count, pos,
			"count: 0 means no drops; change it, or remove at")
	case !d.None && d.Count == nil && len(d.At) == 0:
		v.errorf(code.MissingKey, &d.Drops, pos, "drops: want at least one of count, none and at")
	}
}

// String is the title of its verdict: "drops on server, TCP_CSUM, DATA from client: 1, at 3s".
func (d *DropsExpectation) String() string {
	title := "drops on " + d.Drops.String()
	if d.Since != "" {
		title += " since " + string(d.Since)
	}
	var parts []string
	switch {
	case d.None:
		parts = append(parts, "none")
	case d.Count != nil:
		parts = append(parts, d.Count.String())
	}
	if len(d.At) > 0 {
		parts = append(parts, "at "+sources(judged(d.At, d.Count, 0)))
	}
	return title + ": " + strings.Join(parts, ", ")
}

func (d *DropsExpectation) lasts(latest bool) time.Duration {
	var last time.Duration
	for _, at := range judged(d.At, d.Count, 0) {
		last = max(last, at.lasts(latest))
	}
	return last
}

func (d *DropsExpectation) begins() EventRef { return d.Since }

func (*DropsExpectation) observed() bool { return true }

func (*DropsExpectation) sampledAt() []EventRef { return nil }
