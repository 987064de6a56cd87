// Package spell finds the word that a typist may have meant, for messages.
package spell

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// longest is the length of the longest word that is compared: the cost grows with the square of the
// length.
const longest = 64

// Hint is the end of a message about a word that is not known.
type Hint struct {
	// Word is the one that may have been meant; "" if none is near.
	Word string
	// Text is what the message says.
	Text string
}

// String returns the text.
func (h Hint) String() string { return h.Text }

// DidYouMean returns the hint ` (did you mean "x"?)` for the candidate nearest to word, or an empty one
// if no candidate is near.
func DidYouMean(word string, candidates []string) Hint {
	if best := Nearest(word, candidates); best != "" {
		return Hint{best, ` (did you mean "` + best + `"?)`}
	}
	return Hint{}
}

// Or returns the hint, or one with another text if no word is near.
func (h Hint) Or(text string) Hint {
	if h.Word == "" {
		h.Text = text
	}
	return h
}

// Nearest returns the candidate that a typist may have meant by word, or "" if no candidate is
// near: at most a third of the letters of word differ, upper and lower case do not matter, and two
// neighbouring letters in the wrong order count as one mistake. If several are equally near, it
// returns the first.
func Nearest(word string, candidates []string) string {
	if len(word) > longest {
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

// swapped reports whether a and b differ by two neighbouring letters in the wrong order, the most
// common typing mistake.
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

// listable is the length of the longest list of words that a message shows.
const listable = 40

// Suggest returns the hint of DidYouMean. If no candidate is near, it lists the candidates: ";
// known here: a, b", unless there are more than 40.
func Suggest(word string, candidates []string) Hint {
	near := DidYouMean(word, candidates)
	if len(candidates) == 0 || len(candidates) > listable {
		return near
	}
	return near.Or("; known here: " + strings.Join(candidates, ", "))
}
