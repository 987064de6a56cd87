// Package spell finds the word that a typist may have meant, for messages.
package spell

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// longest is the length of the longest word that is compared: the cost grows with the square of the
// length.
const longest = 64

// DidYouMean returns ` (did you mean "x"?)` for the candidate nearest to word, or "" if no
// candidate is near.
func DidYouMean(word string, candidates []string) string {
	if best := Nearest(word, candidates); best != "" {
		return ` (did you mean "` + best + `"?)`
	}
	return ""
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

// Suggest returns the text of DidYouMean. If no candidate is near, it lists the candidates: ";
// known here: a, b", or returns "" for more than 40 of them.
func Suggest(word string, candidates []string) string {
	if s := DidYouMean(word, candidates); s != "" || len(candidates) == 0 || len(candidates) > listable {
		return s
	}
	return "; known here: " + strings.Join(candidates, ", ")
}
