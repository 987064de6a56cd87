package main

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"halfopen/internal/pattern"
	"halfopen/internal/say"
)

// The ANSI sequences for teaching texts on a terminal.
const (
	bold   = "\x1b[1m"
	italic = "\x1b[3m"
	cyan   = "\x1b[36m" // for code: readable on dark and on light
	plain  = "\x1b[0m"
)

// paint adds a style to a text, on pages with colors.
func (p *page) paint(style, text string) styled {
	text = printable(text)
	if !p.color || text == "" {
		return styled(text)
	}
	return styled(style + text + plain)
}

// numbered matches the beginning of an item of a numbered list.
var numbered = pattern.New(`^[1-9]\. `)

// teach writes Markdown. Paragraphs and list items are wrapped, code keeps its lines. On a page
// with colors, styles replace the marks of Markdown, and tables are aligned.
//
// It knows only the Markdown of teaching texts. A renderer of all Markdown, glamour, would add 104
// ms to every start of the program, and halfopen starts itself once for each actor.
func (p *page) teach(text string) {
	var paragraph []string
	var table []string
	indent := ""
	flush := func() {
		if len(paragraph) > 0 {
			p.inline("  ", "  "+indent, strings.Join(paragraph, " "))
		}
		if len(table) > 0 {
			p.table(table)
		}
		paragraph, table, indent = nil, nil, ""
	}
	fenced := false
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		bare := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(bare, "```"):
			flush()
			fenced = !fenced
			if !p.color {
				p.line("  %s", line)
			}
		case fenced, strings.HasPrefix(line, "    "):
			flush()
			p.line("  %s", p.paint(cyan, line))
		case strings.HasPrefix(bare, "|"):
			if len(paragraph) > 0 {
				flush()
			}
			table = append(table, bare)
		case strings.HasPrefix(bare, "#"):
			flush()
			if p.color {
				bare = strings.TrimLeft(bare, "# ")
			}
			p.line("  %s", p.paint(bold, bare))
		case bare == "":
			flush()
			p.line("")
		case strings.HasPrefix(bare, "- "), strings.HasPrefix(bare, "* "):
			flush()
			if p.color {
				bare = p.glyph("•", "-") + bare[1:]
			}
			paragraph, indent = []string{bare}, "  "
		case numbered.MatchString(bare):
			flush()
			paragraph, indent = []string{bare}, "   "
		default:
			paragraph = append(paragraph, bare)
		}
	}
	flush()
}

// glyph returns the text that the terminal can draw.
func (p *page) glyph(utf8, ascii string) string {
	if p.ascii {
		return ascii
	}
	return utf8
}

// inline writes a wrapped paragraph with its code and its emphasis, both of which may continue over
// the end of a line.
func (p *page) inline(first, rest, text string) {
	if !p.color {
		p.wrap(first, rest, text)
		return
	}
	var wrapped bytes.Buffer
	inner := page{w: &wrapped, width: p.width}
	inner.wrap(first, rest, text)
	open := ""
	for line := range strings.Lines(wrapped.String()) {
		line = strings.TrimRight(line, "\n")
		margin := len(line) - len(strings.TrimLeft(line, " "))
		drawn := line[:margin] + open
		var add string
		add, open = spans(line[margin:], open)
		drawn += add
		if open != "" {
			drawn += plain
		}
		p.line("%s", styled(drawn)) // wrap has made it printable
	}
	if p.err == nil {
		p.err = inner.err
	}
}

// mark matches the marks that open and close code, strong text and emphasis.
var mark = pattern.New("`|\\*\\*|\\*")

// spans replaces the marks of one line by styles. open is the style at its beginning, still the one
// at its end; "" is none.
func spans(text, open string) (drawn, still string) {
	style := map[string]string{"`": cyan, "**": bold, "*": italic}
	last := 0
	for _, at := range mark.FindAllStringIndex(text, -1) {
		m := text[at[0]:at[1]]
		// Within a style only the mark that ends it counts. A star opens emphasis only directly
		// before a word.
		switch {
		case open == style[m]:
			drawn += text[last:at[0]] + plain
			open = ""
		case open == "" && (m == "`" || touches(text, at)):
			drawn += text[last:at[0]] + style[m]
			open = style[m]
		default:
			continue
		}
		last = at[1]
	}
	return drawn + text[last:], open
}

// touches reports whether a mark can open emphasis: after the beginning of the line, a space or
// "(", and directly before a word.
func touches(text string, at []int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
	after, _ := utf8.DecodeRuneInString(text[at[1]:])
	return (at[0] == 0 || strings.ContainsRune(" (", before)) && at[1] < len(text) && after != ' '
}

// table writes the rows of a table: as they are, or on a page with colors aligned and without
// marks.
func (p *page) table(rows []string) {
	if !p.color {
		for _, row := range rows {
			p.line("  %s", row)
		}
		return
	}
	var cells [][]string
	var widths []int
	for _, row := range rows {
		fields := strings.Split(strings.Trim(row, "|"), "|")
		for i := range fields {
			fields[i] = printable(strings.TrimSpace(mark.ReplaceAllString(fields[i], "")))
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if strings.Trim(fields[i], "-:") != "" {
				widths[i] = max(widths[i], say.Width(fields[i]))
			}
		}
		cells = append(cells, fields)
	}
	for r, fields := range cells {
		line := ""
		for i, f := range fields {
			if r == 1 && strings.Trim(f, "-:") == "" {
				line += strings.Repeat(p.glyph("─", "-"), widths[i]) + "  "
				continue
			}
			f = fill(f, widths[i]+2)
			if r == 0 {
				f = string(p.paint(bold, f))
			}
			line += f
		}
		p.line("  %s", styled(strings.TrimRight(line, " ")))
	}
}
