package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// newMarkdown returns the view in the Markdown of GitHub and GitLab.
func newMarkdown(o Output) View { return &markdownView{atEnd: newAtEnd(o), began: time.Now()} }

// markdownView writes a table of the runs, and then the details of those that did not pass, folded up.
type markdownView struct {
	*atEnd
	began time.Time
}

// markdownSplit is between the row of a run and its details.
const markdownSplit = "\x00"

func (v *markdownView) End(r *result.Result) {
	var b strings.Builder
	made := "-"
	if r.Err == nil && r.Status != result.Canceled {
		made = fmt.Sprint(len(r.Verdicts))
	}
	because := why(r)
	if r.Status == result.Pass {
		because = r.AttemptsText()
	}
	status := string(r.Status)
	if r.Status != result.Pass {
		status = "**" + status + "**"
	}
	fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", status, inCode(suiteName(&r.Run, v.o.Shared)), inCode(testName(&r.Run)),
		made, shortSeconds(r.Took), inCode(cut(because, mostInCell, "…")))
	b.WriteString(markdownSplit)
	if r.Status != result.Pass && r.Status != result.Skip {
		if details := v.details(r); details != "" {
			fmt.Fprintf(&b, "\n<details><summary>%s: %s</summary>\n\n%s\n</details>\n", r.Status,
				inCode(caption(&r.Run, v.o.Shared)), fenced(details))
		}
	}
	v.add(r, "", b.String())
}

const (
	// mostMarkdown is how many bytes are written: GitHub takes 1 MiB as the summary of a step.
	mostMarkdown = 900_000
	// mostRows is how many rows the table has. If there are more runs, those that passed are left out.
	mostRows = 1000
	// mostInCell is how many columns of a reason are in the table.
	mostInCell = 200
	// closing is how many bytes are left for the sentences after the details.
	closing = 4000
)

func (v *markdownView) Close(results []result.Result, e Ending) error {
	v.say(results, &e)
	return v.writeMarkdown(v.o.Out, results, e, mostMarkdown)
}

// writeMarkdown writes at most so many bytes.
func (v *markdownView) writeMarkdown(out io.Writer, results []result.Result, e Ending, most int) error {
	defer v.drop()
	done, _ := finished(results, &e)
	w := &shortWriter{writer: writer{w: out}, left: most - closing}
	w.printf("## halfopen: %s\n\n", summary(e.Others.Plus(done), e.took(v.began), Look{}))
	w.printf("Seed %d.", e.Seed)
	if version := v.o.Suite.Version; version != "" {
		w.printf(" halfopen %s, Linux %s.", inCode(version), inCode(v.o.Suite.Kernel))
	}
	w.write("\n")
	for _, line := range []string{e.early(results), e.LeftOut} {
		if line != "" {
			w.printf("\n%s\n", entities(cut(strings.TrimSpace(line), mostWhy, "…")))
		}
	}
	for i := range v.o.Refused {
		f := &v.o.Refused[i]
		w.printf("\nrefused %s: %s\n", inCode(f.File), inCode(strings.Join(f.Texts(), "; ")))
	}
	all := v.inOrder(nil)
	rows, err := v.writeRows(w, all)
	if err != nil {
		return err
	}
	undrawn, err := v.writeDetails(w, all)
	if err != nil {
		return err
	}
	w.left += closing
	if rows > 0 {
		w.printf("\nThe table has no room for %s.\n", say.Count(rows, "more run"))
	}
	if undrawn > 0 {
		w.printf("\nThere is no room to draw %s: halfopen run --out DIR stores each, and halfopen inspect draws it.\n",
			say.Count(undrawn, "more run"))
	}
	return w.err
}

// writeRows writes the table, and returns the number of runs that it has no room for.
func (v *markdownView) writeRows(w *shortWriter, all []fragment) (without int, err error) {
	if len(all) == 0 {
		return 0, nil
	}
	w.write("\n| result | scenario | case | checks | time | why |\n|---|---|---|---:|---:|---|\n")
	written := 0
	most := w.left / 2 // the rest is for the details
	for i := range all {
		if len(all) > mostRows && (all[i].status == result.Pass || written == mostRows) {
			without++
			continue
		}
		row, _, err := v.split(&all[i])
		if err != nil {
			return 0, err
		}
		if w.left-len(row) < most || !w.write(row) {
			without++
			continue
		}
		written++
	}
	return without, nil
}

// writeDetails writes the details of the runs, and returns the number of those that it has no room for.
func (v *markdownView) writeDetails(w *shortWriter, all []fragment) (without int, err error) {
	for i := range all {
		_, details, err := v.split(&all[i])
		if err != nil {
			return 0, err
		}
		if details != "" && !w.write(details) {
			without++
		}
	}
	return without, nil
}

// split returns the row of a run and its details.
func (v *markdownView) split(piece *fragment) (row, details string, err error) {
	text, err := v.read(piece)
	row, details, _ = strings.Cut(text, markdownSplit)
	return row, details, err
}

// shortWriter writes no more bytes than are left.
type shortWriter struct {
	writer
	left int
}

// write writes a text if it has room, and reports whether it had.
func (w *shortWriter) write(text string) bool {
	if len(text) > w.left {
		return false
	}
	w.left -= len(text)
	w.writer.write(text)
	return true
}

func (w *shortWriter) printf(format string, args ...any) { w.write(fmt.Sprintf(format, args...)) }

// inCode returns a text as code in a line of Markdown, also in a table: nothing in it is markup, a mention,
// or a link.
func inCode(text string) string {
	if text == "" {
		return ""
	}
	return "<code>" + entities(text) + "</code>"
}

// entities returns a text for a line of Markdown in which nothing is markup.
func entities(text string) string {
	var b strings.Builder
	for _, r := range say.Printable(text) {
		if strings.ContainsRune("&<>|`*_[]\\~#!@:\"'$", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "www.", "www&#46;") // which would be a link
}

// fenced returns lines as a block of code, whatever is in them.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + "text\n" + text + fence + "\n"
}
