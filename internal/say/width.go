package say

import "github.com/mattn/go-runewidth"

// widths measures characters as terminals do outside East Asia, whatever the locale here.
var widths = runewidth.Condition{StrictEmojiNeutral: true}

// Width returns how many columns a printable text takes on a terminal: 2 for each wide character, 0
// for an accent that is put on the one before it.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += RuneWidth(r)
	}
	return n
}

// RuneWidth returns how many columns a character takes on a terminal.
func RuneWidth(r rune) int { return widths.RuneWidth(r) }
