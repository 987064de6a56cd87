package scenarios

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Error is one mistake in a scenario file. [Load], [Parse] and [File.Expand] return all mistakes of a file, joined by
// errors.Join and sorted by position.
type Error struct {
	Pos Pos
	Msg string
}

// Error returns "file:line:col: message".
func (e *Error) Error() string {
	if e.Pos.Line == 0 {
		if e.Pos.File == "" {
			return e.Msg
		}
		return e.Pos.File + ": " + e.Msg
	}
	return e.Pos.String() + ": " + e.Msg
}

// maxErrors bounds the report on a file that is no scenario at all.
const maxErrors = 200

// joinErrors sorts by position, leaves out what was said before (each case of a file finds the same mistakes), and joins.
func joinErrors(errs []*Error) error {
	if len(errs) == 0 {
		return nil
	}
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col), cmp.Compare(a.Msg, b.Msg))
	})
	errs = slices.CompactFunc(errs, func(a, b *Error) bool { return *a == *b })
	joined := make([]error, 0, len(errs))
	for i, e := range errs {
		if i == maxErrors {
			joined = append(joined, &Error{Pos{File: e.Pos.File}, "too many errors; the rest is left out"})
			break
		}
		joined = append(joined, e)
	}
	return errors.Join(joined...)
}

// DidYouMean returns ` (did you mean "x"?)` for the candidate that a typist may have meant by word, or "".
func DidYouMean(word string, candidates []string) string { return didYouMean(word, candidates) }

// didYouMean returns ` (did you mean "x"?)` for the candidate nearest to word, or "" if none is near.
func didYouMean(word string, candidates []string) string {
	if best := nearest(word, candidates); best != "" {
		return ` (did you mean "` + best + `"?)`
	}
	return ""
}

// nearest returns the candidate that a typist may have meant by word, or "".
func nearest(word string, candidates []string) string {
	if len(word) > 64 {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c))
		if d == 2 && swapped(strings.ToLower(word), strings.ToLower(c)) {
			d = 1
		}
		if d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	return best
}

// swapped reports whether a and b differ by two neighbouring letters that changed places, the commonest slip.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i+1 < len(a); i++ {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// list joins words for a message: "a, b and c".
func list(words []string) string {
	switch len(words) {
	case 0:
		return "none"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
