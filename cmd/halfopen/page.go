package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"halfopen/internal/say"
)

// page writes wrapped text. After the first error, which err keeps, it writes nothing.
type page struct {
	w     io.Writer
	width int
	// color draws section titles and Markdown with ANSI colors; without it, Markdown is written as
	// it is. ascii draws with ASCII only.
	color, ascii bool
	err          error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		text := fmt.Sprintf(strings.TrimRight(format, " "), args...)
		_, p.err = fmt.Fprintln(p.w, p.printable(text))
	}
}

// printable escapes everything in a line that a terminal would not show as it is, apart from the
// styles of the page itself.
func (p *page) printable(text string) string {
	text = strings.ReplaceAll(text, "\t", "    ")
	if !p.color {
		return say.Printable(text)
	}
	var b strings.Builder
	for text != "" {
		at, style := len(text), ""
		for _, st := range []string{bold, italic, code, plain} {
			if i := strings.Index(text, st); i >= 0 && i < at {
				at, style = i, st
			}
		}
		b.WriteString(say.Printable(text[:at]) + style)
		text = text[at+len(style):]
	}
	return b.String()
}

func (p *page) section(title string) { p.line("%s", p.paint(bold, title)) }

// item writes a name, padded to width, followed by a text of one or more lines.
func (p *page) item(name string, width int, text string) {
	first := fmt.Sprintf("  %-*s  ", width, name)
	rest := strings.Repeat(" ", len(first))
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			first = rest
		}
		p.wrap(first, rest+"  ", line)
	}
}

// wrap writes a paragraph, broken between words. first is put before the first line, rest before
// each other line.
func (p *page) wrap(first, rest, text string) {
	line, empty := first, true
	for _, word := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width {
			p.line("%s", strings.TrimRight(line, " "))
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	p.line("%s", strings.TrimRight(line, " "))
}
