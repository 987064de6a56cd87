package language

import (
	"strconv"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// Data is the bytes that a step sends. At most one field is set; for an empty datagram none is.
type Data struct {
	Text  string `json:"text,omitempty" jsonschema_description:"The bytes, as text."`
	Hex   string `json:"hex,omitempty" jsonschema_description:"The bytes, as hex digits; blanks are ignored."`
	Bytes Size   `json:"bytes,omitempty" jsonschema_description:"This many bytes of a fixed pattern (byte i is i modulo 251)."`
}

// Send is send(2).
type Send struct {
	Data  `yaml:",short"`
	All   bool     `json:"all,omitempty" jsonschema_description:"Repeat send(2) until all is sent or it fails."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"Flags: dontwait, more, oob, nosignal (always on: EPIPE without SIGPIPE)."`
}

func (s *Send) check(v *validation, _ *Actor, st *Step) {
	if v.data(&s.Data, st.Pos) == 0 {
		v.errorf(code.MissingKey, s, st.Pos, "send: want one of text, hex and bytes")
	}
	v.flags(s.Flags, st.Pos, "dontwait", "more", "oob", "nosignal")
}

func (*Send) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*Send) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Send) Outcomes() []Outcome { return []Outcome{OutcomeResult, OutcomeBytes} }

// Arguments returns the data.
func (s *Send) Arguments() string { return s.brief() }

// Shows names the number of bytes.
func (*Send) Shows() Shown { return Shown{Part: OutcomeBytes} }

// data checks the bytes that a step sends, and returns how many of the three keys are given.
func (v *validation) data(d *Data, pos Pos) int {
	given := 0
	for _, field := range []any{&d.Text, &d.Hex, &d.Bytes} {
		if v.has(field) {
			given++
		}
	}
	if given > 1 {
		v.errorf(code.ConflictingKeys, &d.Hex, pos,
			"want one of text, hex and bytes, not %d of them", given)
	}
	v.hex(&d.Hex, pos, d.Hex)
	return given
}

// briefText is the number of characters of a text in the words for a call.
const briefText = 20

// brief returns the data in a few words: "3000 bytes", "hex", or the text, cut to 20 characters.
func (d *Data) brief() string {
	switch {
	case d.Bytes != 0:
		return say.Count(int64(d.Bytes), "byte")
	case d.Hex != "":
		return "hex"
	}
	text := d.Text
	if r := []rune(text); len(r) > briefText {
		text = string(r[:briefText-3]) + "..."
	}
	return strconv.Quote(text)
}
