// Package code has the codes of findings: what may be wrong with a scenario, or with this machine for
// it. A program that reads findings goes by the code; the text is for people, and changes.
package code

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"halfopen/internal/pattern"
	"halfopen/internal/spell"
)

// Problem is what is wrong, without its place.
type Problem struct {
	Code Code
	// Msg is the message for people: what is wrong and what to do, in one line.
	Msg string
	// Near is the word that may have been meant; "" if no known word is near.
	Near string
	// Remedy is the part of Msg that says what to do; "" if it has none.
	Remedy string
}

// Error returns the message.
func (p Problem) Error() string { return p.Msg }

// Advice is an argument of [Errorf] that says what to do.
type Advice string

// Errorf returns a problem. Its Near is that of the first [spell.Hint] among the arguments, its Remedy
// the part of the format from "; ", or from where the format begins with an imperative such as "want",
// also after a colon. A problem among the arguments is the cause: it says more, so its code counts, and
// its Near and Remedy if there are no others.
func Errorf(c Code, format string, args ...any) Problem {
	p := Problem{Code: c, Msg: fmt.Sprintf(format, args...)}
	p.Remedy = remedy(p.Msg, format, args)
	for _, arg := range args {
		switch arg := arg.(type) {
		case Advice:
			p.Remedy = cmp.Or(p.Remedy, string(arg))
		case spell.Hint:
			p.Near = cmp.Or(p.Near, arg.Word)
			p.Remedy = strings.TrimSuffix(p.Remedy, arg.Text)
		case error:
			var cause Problem
			if errors.As(arg, &cause) {
				p.Code = cause.Code
				p.Near, p.Remedy = cmp.Or(p.Near, cause.Near), cmp.Or(p.Remedy, cause.Remedy)
			}
		}
	}
	return p
}

// Of returns an error as a problem: with what a problem in it says, or with the given code.
func Of(err error, otherwise Code) Problem {
	p := Problem{Code: otherwise}
	errors.As(err, &p)
	p.Msg = err.Error()
	return p
}

// advice finds where the remedy begins in a format, the beginning of a group. What the arguments bring,
// such as a name in the file, is not looked at.
var advice = pattern.New(`; ()|(?:^|: )()(?:want|keep|remove|write|add|name|give|set|select) `)

// remedy returns the end of a message from where its format has the remedy; "" if it has none.
func remedy(msg, format string, args []any) string {
	at := advice.FindStringSubmatchIndex(format)
	if at == nil {
		return ""
	}
	begin := max(at[2], at[4])
	// The message with a mark before the remedy is the same up to there.
	marked := fmt.Sprintf(format[:begin]+"\x00"+format[begin:], args...)
	n := 0
	for n < len(msg) && msg[n] == marked[n] {
		n++
	}
	return msg[n:]
}
