package main

import (
	"fmt"
	"io"
	"strings"

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

// styled is text that a terminal shows as it is, with the styles of the page.
type styled string

// line writes a line. Its arguments are printed as [printable], but for those that are styled.
func (p *page) line(format string, args ...any) {
	if p.err != nil {
		return
	}
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = printable(a)
		case error:
			args[i] = printable(a.Error())
		case fmt.Stringer:
			args[i] = printable(a.String())
		}
	}
	_, p.err = fmt.Fprintf(p.w, strings.TrimRight(format, " ")+"\n", args...)
}

// printable escapes everything in a line that a terminal would not show as it is. Tabs become
// blanks.
func printable(text string) string {
	return say.Printable(strings.ReplaceAll(text, "\t", "    "))
}

func (p *page) section(title string) { p.line("%s", p.paint(bold, title)) }

// item writes a name, padded to width, followed by a text of one or more lines.
func (p *page) item(name string, width int, text string) {
	first := "  " + fill(name, width) + "  "
	rest := strings.Repeat(" ", say.Width(first))
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			first = rest
		}
		p.wrap(first, rest+"  ", line)
	}
}

// fill adds blanks to a text up to a width in columns.
func fill(text string, width int) string {
	text = printable(text)
	return text + strings.Repeat(" ", max(width-say.Width(text), 0))
}

// wrap writes a paragraph, broken between words. first is put before the first line, rest before
// each other line.
func (p *page) wrap(first, rest, text string) {
	for _, line := range say.Wrap(first, rest, text, p.width) {
		p.line("%s", line)
	}
}
