package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// Look is the look of text for people.
type Look struct {
	// Width is the number of columns; 0 means 100.
	Width int
	// Color draws with ANSI colors, ASCII with ASCII only.
	Color, ASCII bool
	// Verbose writes passed runs in detail, too: each verdict with what was seen and its notes, the
	// mechanism of each fault and the reason for it, and the ladder.
	Verbose bool
	// Shared has the names of scenarios that are written with their file, see [SharedNames].
	Shared map[string]bool
}

// id returns the name of a run, with its file if another file has a scenario of that name.
func (k Look) id(r *result.Run) string {
	id := r.ID()
	if k.Shared[r.Scenario.Name] {
		id += " (" + r.Scenario.Pos.File + ")"
	}
	return say.Printable(id)
}

// LookFor returns the look that suits an output: see [Colors], [UTF8] and [Width].
func LookFor(w io.Writer) Look {
	return Look{Width: min(Width(w, 100), 200), Color: Colors(w), ASCII: !UTF8()}
}

// The maximum of rows of a ladder in the output of a run: of a verdict's packets, of a whole case,
// and of a whole case with Verbose.
const (
	verdictRows = 24
	caseRows    = 40
	verboseRows = 200
)

// The maximum of lines of programs in such a ladder with Verbose, and in that of [Inspect].
const (
	verboseLines = 60
	inspectLines = 500
	// Of the calls of programs, those that say most are drawn.
	caseCalls    = 12
	verboseCalls = 40
	inspectCalls = 1000
)

// statusStyle has the style of each status.
var statusStyle = map[result.Status]style{
	result.Pass: good, result.Fail: bad, result.Error: bad, result.Skip: warn,
	result.Inconclusive: warn,
}

// idWidth is how many columns the names of runs have. With it, the line of a run with up to 9 checks
// on this machine has at most 80.
const idWidth = 42

// Line is the result in one line, without a line break:
// "PASS  syn-retry-backoff retries=3   7.1s  (6 checks)".
func Line(r *result.Result, k Look) string {
	text := paint(k.Color, statusStyle[r.Status],
		fmt.Sprintf("%-5s", strings.ToUpper(string(r.Status))))
	text += " " + fill(k.id(&r.Run), idWidth) + fmt.Sprintf(" %7s  ", shortSeconds(r.Took))
	if r.Err != nil {
		return k.plain(text + say.Printable(r.Err.Error()))
	}
	return k.plain(text + "(" + checks(r) + where(r) + ")")
}

// where says where the case was run and how long it took there; "" for a run on this machine in
// real time.
func where(r *result.Result) string {
	place := r.Place.String()
	switch {
	case place == "":
		return ""
	case r.Trace == nil:
		return "; " + place
	}
	_, ended := r.Trace.End()
	there := ended - r.Trace.Started()
	text := shortSeconds(there)
	if there >= time.Minute {
		text = there.Round(time.Second).String()
	}
	return fmt.Sprintf("; %s %s", text, place)
}

// checks counts the checks: "6 checks", "1 of 6 checks failed", "5 checks, 1 skipped".
func checks(r *result.Result) string {
	failed, skipped := r.Count(assertions.Fail), r.Count(assertions.Skip)
	made := len(r.Verdicts) - skipped
	late := r.Count(assertions.Inconclusive)
	text := say.Count(made, "check")
	if failed > 0 {
		text = fmt.Sprintf("%d of %s failed", failed, text)
	}
	if late > 0 {
		text += fmt.Sprintf(", %d inconclusive", late)
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	return text
}

// Details is the text below [Line]: each failed check with what was wanted and seen, and the
// packets or sockets concerned; each skipped check with the reason; with Verbose, also each passed
// check with what was seen. Last comes the command that repeats a run which did not pass. It is "" if
// there are none of these.
func Details(r *result.Result, k Look) string { return evidence(r, k) + rerunLine(r) }

// rerunLine is a line with the command that repeats a run which did not pass, for a shell: nothing else
// is in the line. It is "" for other runs.
func rerunLine(r *result.Result) string {
	if !r.Failed() || r.Rerun == "" {
		return ""
	}
	return "  " + r.Rerun + "\n"
}

// evidence is Details without that line.
func evidence(r *result.Result, k Look) string {
	if r.Trace == nil {
		return ""
	}
	var b strings.Builder
	failed := r.Status == result.Fail || r.Status == result.Inconclusive
	if k.Verbose && r.Scenario.Title != "" {
		wrapTo(&b, k, "  ", "", r.Scenario.Title)
	}
	if k.Verbose {
		for _, f := range result.FaultsOf(r.Trace) {
			wrapTo(&b, k, "  ", "fault ", faultText(&f))
		}
	}
	if k.Verbose || slices.ContainsFunc(r.Verdicts, func(v assertions.Verdict) bool { return v.Timed }) {
		if late := lateText(r.Scenario, r.Trace); late != "" {
			wrapTo(&b, k, "  ", "late  ", late)
		}
	}
	whole, states := k.Verbose, statesOf(r)
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if v.Status == assertions.Pass && !k.Verbose {
			continue
		}
		writeVerdict(&b, r, v, states, k)
		if (v.Status == assertions.Fail || v.Status == assertions.Inconclusive) && len(v.Packets) == 0 {
			whole = true
		}
	}
	if failed || k.Verbose {
		text := programsText(r, k, "    ", mostPrograms, listedPrograms(r))
		if text != "" {
			b.WriteString("\n  What the programs printed last:\n" + text)
		}
	}
	if whole {
		rows, lines, calls := caseRows, 0, caseCalls
		if k.Verbose {
			rows, lines, calls = verboseRows, verboseLines, verboseCalls
		}
		fmt.Fprintf(&b, "\n  What happened on %s:\n", hostList(r.Scenario))
		b.WriteString(ladderOf(r, k, LadderOptions{
			MaxRows: rows, Lines: lines, Calls: calls, Indent: "  ", states: states,
		}))
	}
	if failed && r.Dir != "" {
		fmt.Fprintf(&b, "  All details: halfopen inspect %s\n", say.Printable(r.Dir))
	}
	return k.plain(b.String())
}

// writeVerdict writes one verdict, a failure in full.
func writeVerdict(
	b *strings.Builder, r *result.Result, v *assertions.Verdict, states func() []StateLine, k Look,
) {
	mark, st := "ok  ", good
	switch v.Status {
	case assertions.Fail:
		mark, st = "FAIL", bad
	case assertions.Inconclusive:
		mark, st = "open", warn
	case assertions.Skip:
		mark, st = "skip", warn
	}
	place := ""
	if v.Pos.Line != 0 && (v.Status == assertions.Fail || v.Status == assertions.Inconclusive) {
		place = fmt.Sprintf("(%s)", v.Pos)
	}
	writeTitle(b, k, paint(k.Color, st, mark), v.Title, place)
	first, rest, _ := strings.Cut(v.Reason, "\n")
	switch v.Status {
	case assertions.Pass:
		if k.Verbose && v.Got != v.Want { // if they are the same, nothing was measured
			wrapTo(b, k, "       ", "saw     ", v.Got)
		}
		if k.Verbose {
			writeNotes(b, v, k)
		}
		return
	case assertions.Skip:
		wrapTo(b, k, "       ", "", first)
		return
	}
	if v.Want != "" || v.Got != "" {
		if !strings.HasSuffix(" "+v.Title, " "+v.Want) {
			wrapTo(b, k, "       ", "wanted  ", v.Want)
		}
		wrapTo(b, k, "       ", "saw     ", cmp.Or(v.Got, "nothing"))
	}
	if v.Why != "" {
		wrapTo(b, k, "       ", "why     ", v.Why)
	}
	writeNotes(b, v, k)
	if len(v.Packets) > 0 {
		// The ladder shows the packets that the rest of the reason lists.
		b.WriteString(ladderOf(r, k, LadderOptions{
			Only: v.Packets, Mark: v.Differing, MaxRows: verdictRows, Indent: "       ",
		}))
	} else if rest != "" {
		for _, l := range strings.Split(rest, "\n") {
			// Columns of a program that prints tabs need not be exact.
			l = strings.ReplaceAll(l, "\t", "    ")
			fmt.Fprintf(b, "       %s\n", say.Printable(l))
		}
	}
	if rest != "" && len(v.Packets) == 0 {
		// The list that was written includes them.
		return
	}
	for _, l := range socketLines(r.Trace, states, v.Sockets) {
		wrapTo(b, k, "       ", "socket  ", l)
	}
}

// writeTitle writes the title of a verdict after its mark, which has four columns, and the place of
// the expectation.
func writeTitle(b *strings.Builder, k Look, mark, title, place string) {
	var lines strings.Builder
	if place != "" {
		title += "  " + place
	}
	wrapTo(&lines, k, "  ", "     ", title)
	text := strings.TrimPrefix(lines.String(), "       ")
	if shown := say.Printable(place); place != "" {
		text = strings.Replace(text, shown+"\n", paint(k.Color, dim, shown)+"\n", 1)
	}
	b.WriteString("  " + mark + " " + text)
}

func writeNotes(b *strings.Builder, v *assertions.Verdict, k Look) {
	for _, note := range v.Notes {
		wrapTo(b, k, "       ", "note    ", note)
	}
}

// socketLines returns the timelines of the sockets in these events, which are indexes in the trace.
func socketLines(t *trace.Trace, states func() []StateLine, events []int) []string {
	if len(events) == 0 {
		return nil
	}
	var out []string
	shown := setOf(events)
	for _, l := range states() {
		if slices.ContainsFunc(l.samples, func(e int) bool { return shown[e] }) {
			out = append(out, l.line(t.Started()))
		}
	}
	return out
}

func ladderOf(r *result.Result, k Look, o LadderOptions) string {
	o.Width, o.Color, o.ASCII = k.Width, k.Color, k.ASCII
	if o.moreCalls == "" && r.Dir == "" {
		o.moreCalls = "--out DIR stores them"
	}
	text := Ladder(r.Scenario, r.Trace, o)
	if why := howSeen(r.Trace); why != "" && o.Calls > 0 {
		var b strings.Builder
		wrapTo(&b, k, o.Indent, "note: ", why)
		text += b.String()
	}
	return text
}

// hostList names the hosts of a scenario: "client and server".
func hostList(s *language.Scenario) string {
	var names []string
	for i := range s.Hosts {
		names = append(names, s.Hosts[i].Name)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// shortSeconds formats a duration for lines and tables: 7.1s.
func shortSeconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// wrapTo writes text after a heading, broken between words, and aligns the following lines with the
// first.
func wrapTo(b *strings.Builder, k Look, indent, heading, text string) {
	first := indent + heading
	rest := strings.Repeat(" ", widthOf(first))
	for _, line := range say.Wrap(first, rest, text, max(cmp.Or(k.Width, 100), 60)) {
		b.WriteString(line + "\n")
	}
}

// fill appends blanks to text, up to width columns.
func fill(text string, width int) string {
	return text + strings.Repeat(" ", max(width-widthOf(text), 0))
}

// plain replaces non-ASCII characters if the look is ASCII.
func (k Look) plain(text string) string {
	if k.ASCII {
		return asciiOf.Replace(text)
	}
	return text
}
