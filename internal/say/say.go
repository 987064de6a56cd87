// Package say writes parts of sentences for messages and reports: lists, counts, durations, texts
// cut to length.
package say

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// List joins words: "a, b and c"; "none" for an empty list.
func List(words []string) string {
	switch len(words) {
	case 0:
		return "none"
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// Count writes a number and its noun: "1 packet", "3 packets".
func Count[N int | int64 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// longestClip is the number of bytes of a text that a message quotes.
const longestClip = 60

// Clip shortens a text for a message to at most 60 bytes, between two characters; a text that was cut
// ends in "...".
func Clip(text string) string {
	if len(text) <= longestClip {
		return text
	}
	end := longestClip - 3
	for n := 1; n < utf8.UTFMax && !utf8.RuneStart(text[end]); n++ {
		end-- // of bytes that are no UTF-8, no more are left out
	}
	return text[:end] + "..."
}
