package language

import (
	"strings"
	"testing"
)

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

// An event that is written as a mapping has one canonical text, whatever is in it.
func TestCanonicalMappings(t *testing.T) {
	for ref, want := range map[EventRef]EventRef{
		`{contains: up, log: server.web}`:                               `{log: server.web, contains: up}`,
		`{"log": "server.web", "matches": "^up: (a|b)", nth: 1}`:        `{log: server.web, matches: '^up: (a|b)'}`,
		`{log: 'server.web[2]', contains: '3', stream: stderr, nth: 3}`: `{log: 'server.web[2]', contains: "3", stream: stderr, nth: 3}`,
		`{log: server.web}, {`:                                          `{log: server.web}, {`,
		`{packet: {tcp: [DATA], from: server}, nth: 1}`:                 `{packet: {from: server, tcp: DATA}}`,
		`{at: client.input, packet: {}}`:                                `{packet: {}, at: client.input}`,
		`{nth: 2, packet: {port: [80, 90..99], window: ">= 3", retransmission: false, options: {sack: true, mss: false}, payload: x}}`: `{packet: {port: [80, 90..99], payload: {contains: x}, retransmission: false, options: {mss: false, sack: true}, window: '>= 3'}, nth: 2}`,
		`{state: [established], nth: 01, local: 80..90, host: server}`:                                                                 `{host: server, local: 80..90, state: ESTABLISHED}`,
		`{lgo: server.web}`: `{lgo: server.web}`,
		`{`:                 `{`,
	} {
		if got := ref.Canonical(); got != want {
			t.Errorf("%q becomes %q, want %q", ref, got, want)
		}
	}
	for _, text := range []string{
		"up", "", " ", "null", "~", "true", "1", "a: b", "a, b", "{a}", "[a]", "# a", "- a", "&a", "*a", "!a",
		"%a", "@a", "'a'", `"a"`, `\`, "a\nb", "\t", "\x7f\u0085\u202e", "é😀", strings.Repeat("a b ", 300),
	} {
		ref := refOf(&LogEvent{Lines: Lines{Log: "server.web", Contains: &text}, Nth: 2})
		e, err := ref.Parse()
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if *e.Log.Contains != text || e.N != 2 || e.Ref() != ref || strings.Contains(string(ref), "\n") {
			t.Errorf("%q becomes %q, and is read as %q", text, ref, *e.Log.Contains)
		}
	}
}
