// Package spell finds the word that a typist may have meant, for messages.
package spell

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// longest bounds the words compared: the cost grows with the square of the length.
const longest = 64

// DidYouMean returns ` (did you mean "x"?)` for the candidate nearest to word, or "" if none is
// near.
func DidYouMean(word string, candidates []string) string {
	if best := Nearest(word, candidates); best != "" {
		return ` (did you mean "` + best + `"?)`
	}
	return ""
}

// Nearest returns the candidate that a typist may have meant by word, or "" if none is near: at
// most a third of the letters of word differ, upper and lower case do not matter, and two
// neighbouring letters in the wrong order count as one mistake. Of several equally near, it returns
// the first.
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

// swapped reports whether a and b differ by two neighbouring letters in the wrong order, the
// commonest slip.
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

// listable is how many words a message lists.
const listable = 40

// Suggest is DidYouMean, or a list of the candidates if none is near: "; known here: a, b". Of more
// than 40 candidates it returns "".
func Suggest(word string, candidates []string) string {
	if s := DidYouMean(word, candidates); s != "" || len(candidates) == 0 || len(candidates) > listable {
		return s
	}
	return "; known here: " + strings.Join(candidates, ", ")
}
