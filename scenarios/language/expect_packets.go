package language

import (
	"strings"
	"time"

	"halfopen/internal/code"
)

// PacketsExpectation judges the packets seen at the link end of one host.
type PacketsExpectation struct {
	Packets  Selector   `json:"packets" jsonschema_description:"Which packets."`
	SeenBy   string     `json:"seen-by,omitempty" jsonschema_description:"The host at whose end of the link packets are counted, in both directions. Default: the host packets.from, else packets.to; without both, each packet counts once, where it is sent."`
	Count    *Count     `json:"count,omitempty" jsonschema_description:"How many packets there are."`
	None     bool       `json:"none,omitempty" jsonschema_description:"true: there is no such packet; the same as count: 0."`
	Gaps     []Span     `json:"gaps,omitempty" jsonschema_description:"Times between one packet and the next: one gap less than packets. With count, the list may be longer."`
	At       []Span     `json:"at,omitempty" jsonschema_description:"When each packet was seen, counted from since. With count, the list may be longer."`
	Since    EventRef   `json:"since,omitempty" jsonschema_description:"Only packets from this event on count, and at is counted from it. Default: all packets count, and at is counted from the first of them."`
	Until    EventRef   `json:"until,omitempty" jsonschema_description:"Only packets up to this event count."`
	Sequence []Selector `json:"sequence,omitempty" jsonschema_description:"These packets in this order, and no other between them, before or after."`
}

func (p *PacketsExpectation) check(v *validation, pos Pos) {
	v.selector(&p.Packets, pos)
	for i := range p.Sequence {
		v.selector(&p.Sequence[i], pos)
	}
	if p.SeenBy != "" {
		v.host(&p.SeenBy, pos, p.SeenBy, true)
	}
	v.window(&p.Since, &p.Until, pos)
	v.count(p.Count, "count", pos)
	if p.None && (p.Count != nil || p.each()) {
		v.errorf(code.Contradiction, &p.None, pos,
			"none means no packets; remove it, or remove count, gaps, at and sequence")
	}
	if p.Count != nil && p.Count.Max == 0 && p.each() {
		v.errorf(code.Contradiction, p.Count, pos,
			"count: 0 means no packets; change it, or remove gaps, at and sequence")
	}
	if p.Count != nil && len(p.Sequence) > 0 && !p.Count.Contains(int64(len(p.Sequence))) {
		v.errorf(code.Contradiction, p.Count, pos,
			"count: %s, but the sequence has %d packets; make them agree, or remove count", p.Count,
			len(p.Sequence))
	}
	if !p.None && p.Count == nil && !p.each() {
		v.errorf(code.MissingKey, &p.Packets, pos,
			"packets: want at least one of count, none, gaps, at and sequence")
	}
}

// each reports whether something is expected of single packets, so that at least one must be seen.
func (p *PacketsExpectation) each() bool { return len(p.Gaps)+len(p.At)+len(p.Sequence) > 0 }

// String is the title of its verdict: "SYN from client: 4, gaps 1s, 2s, 4s".
func (p *PacketsExpectation) String() string {
	title := p.Packets.String()
	if p.SeenBy != "" {
		title += " seen by " + p.SeenBy
	}
	if p.Since != "" {
		title += " since " + string(p.Since)
	}
	if p.Until != "" {
		title += " until " + string(p.Until)
	}
	var parts []string
	switch {
	case p.None:
		parts = append(parts, "none")
	case p.Count != nil:
		parts = append(parts, p.Count.String())
	}
	if len(p.Gaps) > 0 {
		parts = append(parts, strings.TrimSpace("gaps "+sources(judged(p.Gaps, p.Count, 1))))
	}
	if len(p.At) > 0 {
		parts = append(parts, "at "+sources(judged(p.At, p.Count, 0)))
	}
	if len(p.Sequence) > 0 {
		each := make([]string, len(p.Sequence))
		for i := range p.Sequence {
			each[i] = p.Sequence[i].String()
		}
		parts = append(parts, "in sequence "+strings.Join(each, ", "))
	}
	return title + ": " + strings.Join(parts, ", ")
}

// judged returns the spans that can be judged. With a count the list may be longer: of at most n
// packets, these are the first n-less.
func judged(spans []Span, c *Count, less int64) []Span {
	if c == nil || c.Max < 1 {
		return spans
	}
	return spans[:min(int64(len(spans)), c.Max-less)]
}

// sources joins spans as they were written.
func sources(spans []Span) string {
	each := make([]string, len(spans))
	for i := range spans {
		each[i] = spans[i].Source
	}
	return strings.Join(each, ", ")
}

// lasts returns the sum of the gaps, or the last of the times if that is longer: the packets must
// be watched until then.
func (p *PacketsExpectation) lasts(latest bool) time.Duration {
	var sum, last time.Duration
	for _, gap := range judged(p.Gaps, p.Count, 1) {
		sum = plus(sum, gap.lasts(latest))
	}
	for _, at := range judged(p.At, p.Count, 0) {
		last = max(last, at.lasts(latest))
	}
	return max(sum, last)
}

func (p *PacketsExpectation) begins() EventRef { return p.Since }

func (*PacketsExpectation) observed() bool { return true }

func (*PacketsExpectation) sampledAt() []EventRef { return nil }
