package language

import "testing"

func TestCanonicalEvents(t *testing.T) {
	for ref, want := range map[EventRef]EventRef{
		"c.connect":              "c.connect",
		"c.connect[1]":           "c.connect",
		"c.connect[2]":           "c.connect[2]",
		"c.connect.start":        "c.connect.start",
		"c.connect[1].start":     "c.connect.start",
		"c.connect.start[1]":     "c.connect.start",
		"c.connect[2].start":     "c.connect[2].start",
		"c.connect.start[2]":     "c.connect[2].start",
		"s.web.ended":            "s.web.ended",
		"s.web.ended[1]":         "s.web.ended",
		"s.web[2].ended":         "s.web[2].ended",
		"s.web.ended[2]":         "s.web[2].ended",
		"c.connect[11]":          "c.connect[11]",
		"fault.lost.hit":         "fault.lost.hit",
		"fault.lost.hit[1]":      "fault.lost.hit",
		"fault.lost.hit[10]":     "fault.lost.hit[10]",
		"server.signal.ready":    "server.signal.ready",
		"":                       "",
		"not an event at all[1]": "not an event at all[1]",
	} {
		if got := ref.Canonical(); got != want {
			t.Errorf("%q becomes %q, want %q", ref, got, want)
		}
		if got := want.Canonical(); got != want {
			t.Errorf("%q is canonical, but becomes %q", want, got)
		}
	}
}
