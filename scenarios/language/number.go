package language

import (
	"strconv"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"halfopen/internal/say"
)

// Number is a 32-bit number of a TCP header. It may be relative to the current number of a socket:
// next, next-1, now+5000.
type Number string

var numberForm = pattern.New(`^([a-z]*)([+-]?[0-9]+)?$`)

// Parse returns the word that the number is relative to ("" for none) and the offset. The error is
// one line.
func (n Number) Parse() (base string, offset int64, err error) {
	m := numberForm.FindStringSubmatch(string(n))
	wrong := m == nil || n == "" || m[1] != "" && m[2] != "" && m[2][0] >= '0'
	if !wrong && m[2] != "" {
		offset, err = strconv.ParseInt(m[2], 10, 64)
		wrong = err != nil
	}
	switch {
	case wrong:
		return "", 0, code.Errorf(code.InvalidValue,
			"invalid number %q: want one such as 1, -1 or next+100", say.Clip(string(n)))
	case offset < -1<<31 || offset >= 1<<32:
		return "", 0, code.Errorf(code.OutOfRange,
			"invalid number %q: want %d to %d", say.Clip(string(n)), -1<<31, 1<<32-1)
	}
	return m[1], offset, nil
}

// String returns the number as it is written in YAML.
func (n Number) String() string { return string(n) }

// Set parses a number; the error is that of [Number.Parse].
func (n *Number) Set(text string) error {
	*n = Number(text)
	_, _, err := n.Parse()
	return err
}

// number checks a number of a header. Only with a socket can it be relative to word.
func (v *validation) number(n *Number, pos Pos, key, word string, ofSocket bool) {
	if !v.has(n) {
		return
	}
	base, offset, err := n.Parse()
	switch {
	case err != nil: // said when it was read
	case base == "" && offset < 0 && !ofSocket:
		v.errorf(code.OutOfRange, n, pos,
			"invalid %s %s: want 0 or more; numbers are relative only for a socket", key, *n)
	case base == "":
	case base != word && word == "":
		v.errorf(code.InvalidValue, n, pos,
			"invalid %s %q: want a number", key, say.Clip(string(*n)))
	case base != word:
		v.errorf(code.InvalidValue, n, pos,
			"invalid %[1]s %[3]q: want a number, %[2]s, or one such as %[2]s+1",
			key, word, say.Clip(string(*n)))
	case !ofSocket:
		v.errorf(code.MissingKey, n, pos,
			"%s: only a socket has a %q; add the key socket beside segment, or remove the key to",
			key, base)
	}
}
