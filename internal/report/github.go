package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// newGitHub returns the view for GitHub Actions: annotations by workflow commands, and the summary of the
// step.
func newGitHub(o Output) View {
	return &githubView{markdownView: markdownView{atEnd: newAtEnd(o), began: time.Now()}, index: map[annotation]int{}}
}

// githubView writes, at the end, an annotation for each expectation that is not met, and the Markdown of
// the suite.
type githubView struct {
	markdownView
	// index has the place of each annotation among the notes. Both are bounded by mostNotes; others
	// counts those of a kind that are not among them; mu.
	index  map[annotation]int
	notes  []note
	others map[string]int
}

// annotation is what annotations of several runs have in common: only one is written.
type annotation struct {
	// kind is error, warning or notice.
	kind  string
	file  string
	line  int
	col   int
	title string
}

// note is an annotation with the first run that it is about.
type note struct {
	annotation
	first   int // the index of the run
	message string
	runs    int
}

const (
	// mostAnnotations is how many annotations of a kind GitHub shows of a step.
	mostAnnotations = 10
	// mostNotes is how many different annotations are kept.
	mostNotes = 1000
)

func (v *githubView) End(r *result.Result) {
	v.markdownView.End(r)
	name := caption(&r.Run, v.o.Shared)
	a := annotation{kind: "error", title: say.Printable(suiteName(&r.Run, v.o.Shared))}
	switch {
	case r.Status == result.Error || r.Status == result.Skip && v.o.NoSkip:
		a.file, _ = v.place(r, r.Scenario.Pos)
		v.note(r, a, name+": "+why(r))
	case r.Status == result.Skip:
		a.kind, a.title = "notice", a.title+": "+why(r)
		a.file, _ = v.place(r, r.Scenario.Pos)
		v.note(r, a, name+": "+why(r))
	case r.Status == result.Fail || r.Status == result.Inconclusive:
		for i := range r.Verdicts {
			x := &r.Verdicts[i]
			if x.Status != assertions.Fail && x.Status != assertions.Inconclusive {
				continue
			}
			b := a
			if x.Status == assertions.Inconclusive {
				b.kind = "warning"
			}
			b.title = say.Printable(a.title + ": " + x.Title)
			where := ""
			if b.file, where = v.place(r, x.Pos); b.file != "" {
				b.line, b.col = x.Pos.Line, x.Pos.Col
			}
			v.note(r, b, verdictText(name, where, x)+"\n"+r.Rerun)
		}
	}
}

// verdictText says in some lines what is wrong.
func verdictText(run, where string, x *assertions.Verdict) string {
	lines := []string{run}
	for _, l := range []struct{ word, text string }{
		{"wanted ", x.Want},
		{"saw ", x.Got},
		{"why ", x.Why},
		{"", x.Because},
		{"at ", where},
	} {
		if l.text != "" {
			lines = append(lines, cut(say.Printable(l.word+l.text), mostWhy, "…"))
		}
	}
	return strings.Join(lines, "\n")
}

// place returns the file of a position as GitHub knows it; "" if it is not in the checkout, and then
// where it is.
func (v *githubView) place(r *result.Result, at language.Pos) (file, where string) {
	if at.Line > 0 {
		where = at.String()
	}
	if r.Scenario.Dir == "" || at.File == "" || at.File == "-" {
		return "", where // of the library, of a Go program, of the standard input
	}
	path := filepath.Join(r.Scenario.Dir, filepath.Base(at.File))
	file = v.o.relative(path)
	if v.o.Root == "" || file == path {
		return "", where
	}
	return filepath.ToSlash(file), where
}

// found returns the annotation of a finding: at its place, if that is in the checkout.
func (v *githubView) found(name string, f *Finding) annotation {
	a := annotation{kind: "error", title: say.Printable(name + ": " + string(f.Code))}
	whole, err := filepath.Abs(f.File)
	if err != nil || f.File == "" || f.File == "-" || v.o.Root == "" {
		return a
	}
	if file := v.o.relative(whole); file != whole {
		a.file, a.line, a.col = filepath.ToSlash(file), f.Line, f.Column
	}
	return a
}

// note keeps an annotation of a run.
func (v *githubView) note(r *result.Result, a annotation, message string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at, known := v.index[a]
	switch {
	case !known && len(v.notes) == mostNotes:
		if v.others == nil {
			v.others = map[string]int{}
		}
		v.others[a.kind]++
		return
	case !known:
		at = len(v.notes)
		v.index[a] = at
		v.notes = append(v.notes, note{annotation: a, first: r.Index, message: message})
	case r.Index < v.notes[at].first:
		v.notes[at].first, v.notes[at].message = r.Index, message
	}
	v.notes[at].runs++
}

func (v *githubView) Close(results []result.Result, e Ending) error {
	v.say(results, &e)
	if early := e.early(results); early != "" {
		v.notes = append(v.notes, note{annotation: annotation{kind: "error", title: "halfopen"}, first: -1, message: strings.TrimSpace(early), runs: 1})
	}
	if v.o.NoSkip && e.LeftOut != "" {
		v.notes = append(v.notes, note{annotation: annotation{kind: "error", title: "halfopen"}, first: -1, message: e.LeftOut, runs: 1})
	}
	for i := range v.o.Refused {
		f := &v.o.Refused[i]
		for j := range f.Findings {
			v.notes = append(v.notes, note{
				annotation: v.found(f.File, &f.Findings[j]), first: -1, message: f.Findings[j].String(), runs: 1,
			})
		}
	}
	slices.SortStableFunc(v.notes, func(a, b note) int { return a.first - b.first })
	w := &writer{w: v.o.Out}
	for _, kind := range []string{"error", "warning", "notice"} {
		v.annotate(w, kind)
	}
	if v.o.Summary == nil {
		v.drop()
		return w.err
	}
	if err := v.writeMarkdown(v.o.Summary, results, e, v.o.SummaryRoom); err != nil {
		return fmt.Errorf("writing the summary of the step: %w", err)
	}
	return w.err
}

// annotate writes the annotations of a kind. If there are too many, the last one says so.
func (v *githubView) annotate(w *writer, kind string) {
	all := slices.DeleteFunc(slices.Clone(v.notes), func(n note) bool { return n.kind != kind })
	more := v.others[kind]
	if len(all) > mostAnnotations || more > 0 {
		most := min(len(all), mostAnnotations-1)
		more += len(all) - most
		all = all[:most]
	}
	for i := range all {
		n := &all[i]
		w.write(n.command())
	}
	if more > 0 {
		n := note{annotation: annotation{kind: kind, title: "halfopen"}, message: fmt.Sprintf("%d more of this kind are in the log", more), runs: 1}
		w.write(n.command())
	}
}

// command returns the workflow command of an annotation, a line.
func (n *note) command() string {
	properties := ""
	if n.file != "" {
		properties = "file=" + property(n.file) + ","
		if n.line > 0 {
			properties += fmt.Sprintf("line=%d,col=%d,", n.line, n.col)
		}
	}
	message := strings.TrimSpace(n.message)
	if n.runs > 1 {
		message += fmt.Sprintf("\nand in %s", say.Count(n.runs-1, "other run"))
	}
	var lines []string
	for line := range strings.SplitSeq(message, "\n") {
		lines = append(lines, say.Printable(line))
	}
	return fmt.Sprintf("::%s %stitle=%s::%s\n", n.kind, properties, property(cut(n.title, 200, "…")), data(strings.Join(lines, "\n")))
}

// data escapes the message of a workflow command.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// property escapes the value of a property of a workflow command.
func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(say.Printable(text))
}
