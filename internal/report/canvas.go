package report

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/fatih/color"
	"golang.org/x/term"
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

// Colors reports whether output to w should have colors: w is a terminal, TERM is not dumb, and
// NO_COLOR (no-color.org) is not set.
func Colors(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" &&
		term.IsTerminal(int(f.Fd()))
}

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

// line is a row of character cells to draw on.
type line struct {
	cells  []rune
	styles []style
}

func newLine(width int) *line {
	l := &line{cells: make([]rune, width), styles: make([]style, width)}
	for i := range l.cells {
		l.cells[i] = ' '
	}
	return l
}

// put writes text at a column and cuts off what does not fit.
func (l *line) put(at int, text string, st style) {
	for _, r := range text {
		if at >= len(l.cells) {
			return
		}
		if at >= 0 {
			l.cells[at], l.styles[at] = r, st
		}
		at++
	}
}

// render returns the line without trailing blanks.
func (l *line) render(colors bool) string {
	end := len(l.cells)
	for end > 0 && l.cells[end-1] == ' ' {
		end--
	}
	if !colors {
		return string(l.cells[:end])
	}
	var b strings.Builder
	for i := 0; i < end; {
		n := i + 1
		for n < end && l.styles[n] == l.styles[i] {
			n++
		}
		b.WriteString(paint(true, l.styles[i], string(l.cells[i:n])))
		i = n
	}
	return b.String()
}

// cut shortens text to width columns. mark, at its end, shows that something is missing.
func cut(text string, width int, mark string) string {
	r := []rune(text)
	if len(r) <= width {
		return text
	}
	m := []rune(mark)
	if width <= len(m) {
		return string(r[:max(width, 0)])
	}
	return string(r[:width-len(m)]) + mark
}

// asciiOf replaces each non-ASCII character in drawings and messages by something similar.
var asciiOf = strings.NewReplacer(
	"─", "-", "│", "|", "┼", "+", "┤", "|", "├", "|", "►", ">", "◄", "<", "✗", "X", "⋮", ":", "…",
	"...", "±", "+-", "×", "x", "–", "-", "→", "->", "↻", "again ", "µ", "u", "≠", "!=",
)
