package report

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/fatih/color"
	"golang.org/x/term"

	"halfopen/internal/say"
)

// style is the look of text on a terminal.
type style uint8

const (
	plainText style = iota
	dim
	bold
	good
	bad
	warn
	packetText
)

var styleAttributes = map[style][]color.Attribute{
	dim:        {color.Faint},
	bold:       {color.Bold},
	good:       {color.FgGreen},
	bad:        {color.FgRed},
	warn:       {color.FgYellow},
	packetText: {color.FgCyan},
}

// paint returns the text in a style, or as it is if colors are off.
func paint(on bool, st style, text string) string {
	if !on || st == plainText || text == "" {
		return text
	}
	c := color.New(styleAttributes[st]...)
	c.EnableColor()
	return c.Sprint(text)
}

// drawable reports whether w is a terminal that obeys escape sequences: TERM is not dumb.
func drawable(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// Colors reports whether output to w should have colors: w is a terminal, TERM is not dumb, and
// NO_COLOR (no-color.org) is not set.
func Colors(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && drawable(w) }

// UTF8 reports whether the locale's character set is UTF-8 (locale(7): LC_ALL, then LC_CTYPE, then
// LANG).
func UTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToLower(strings.ReplaceAll(v, "-", ""))
			return strings.Contains(v, "utf8")
		}
	}
	return false
}

// Width returns the width of w in columns if it is a terminal, else $COLUMNS, else the default
// otherwise.
func Width(w io.Writer, otherwise int) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// widthOf returns how many columns a text takes on a terminal.
func widthOf(text string) int { return say.Width(text) }

// line is a row of cells to draw on, one a column. A cell has a character and its accents; the
// second cell of a wide character is empty.
type line struct {
	cells  []string
	styles []style
}

func newLine(width int) *line {
	l := &line{cells: make([]string, width), styles: make([]style, width)}
	for i := range l.cells {
		l.cells[i] = " "
	}
	return l
}

// put writes text at a column and cuts off what does not fit. It writes no control characters.
func (l *line) put(at int, text string, st style) {
	last := -1
	for _, r := range say.Printable(text) {
		n := say.RuneWidth(r)
		if n == 0 {
			if last >= 0 {
				l.cells[last] += string(r)
			}
			continue
		}
		if at+n > len(l.cells) {
			return
		}
		if at >= 0 {
			for i := range n {
				l.erase(at + i)
				l.cells[at+i], l.styles[at+i] = "", st
			}
			l.cells[at], last = string(r), at
		}
		at += n
	}
}

// erase blanks the other half of a wide character at x.
func (l *line) erase(x int) {
	switch {
	case l.cells[x] == "" && x > 0:
		l.cells[x-1] = " "
	case x+1 < len(l.cells) && l.cells[x+1] == "":
		l.cells[x+1] = " "
	}
}

// render returns the line without trailing blanks.
func (l *line) render(colors bool) string {
	end := len(l.cells)
	for end > 0 && l.cells[end-1] == " " {
		end--
	}
	if !colors {
		return strings.Join(l.cells[:end], "")
	}
	var b strings.Builder
	for i := 0; i < end; {
		n := i + 1
		for n < end && l.styles[n] == l.styles[i] {
			n++
		}
		b.WriteString(paint(true, l.styles[i], strings.Join(l.cells[i:n], "")))
		i = n
	}
	return b.String()
}

// cut shortens text to width columns. mark, at its end, shows that something is missing.
func cut(text string, width int, mark string) string {
	if widthOf(text) <= width {
		return text
	}
	if width <= widthOf(mark) {
		mark = ""
	}
	room := width - widthOf(mark)
	for i, r := range text {
		if room -= say.RuneWidth(r); room < 0 {
			return text[:i] + mark
		}
	}
	return text
}

// asciiOf replaces each non-ASCII character in drawings and messages by something similar.
var asciiOf = strings.NewReplacer(
	"─", "-", "│", "|", "┼", "+", "┤", "|", "├", "|", "►", ">", "◄", "<", "✗", "X", "⋮", ":", "…",
	"...", "±", "+-", "×", "x", "–", "-", "→", "->", "↻", "again ", "µ", "u", "≠", "!=",
)
