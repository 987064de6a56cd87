package report

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// newJUnit returns the view in JUnit XML, as Jenkins, GitLab and reporters for GitHub read it, and as
// the schema of Jenkins' xUnit plugin allows it. That has no properties of a test case, so the properties
// of runs are those of their test suite, after the name of the run.
func newJUnit(o Output) View {
	return &junitView{atEnd: newAtEnd(o), suites: map[string]int{}, began: time.Now()}
}

// junitView writes a test suite for each scenario, with a test case for each run.
type junitView struct {
	*atEnd
	began time.Time
	// suites has the number of each suite by its name, all the suites by their numbers; mu.
	suites   map[string]int
	numbered []*junitSuite
}

// junitSuite is what the runs of a scenario have in common.
type junitSuite struct {
	name  string
	file  string
	began time.Time
	// first is the index of the first of its runs.
	first           int
	kernels, places []string
}

// junitSplit is between the properties of a run and its test case.
const junitSplit = "\x00"

func (v *junitView) End(r *result.Result) {
	name := suiteName(&r.Run, v.o.Shared)
	var b strings.Builder
	writeProperties(&b, r)
	b.WriteString(junitSplit)
	v.writeCase(&b, r, name)
	v.note(r, name)
	v.add(r, name, b.String())
}

// note adds to the suite of a run what it knows of it.
func (v *junitView) note(r *result.Result, name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, known := v.suites[name]
	if !known {
		n = len(v.numbered)
		v.suites[name] = n
		v.numbered = append(v.numbered, &junitSuite{
			name: name, file: v.o.fileOf(r.Scenario, r.Scenario.Pos.File), first: r.Index, began: r.Started,
		})
	}
	s := v.numbered[n]
	s.first = min(s.first, r.Index)
	if s.began.IsZero() || !r.Started.IsZero() && r.Started.Before(s.began) {
		s.began = r.Started
	}
	if k := r.Facts.Kernel; k != "" && !slices.Contains(s.kernels, k) {
		s.kernels = append(s.kernels, k)
	}
	if place := cmp.Or(r.Place.String(), "this machine, in real time"); !slices.Contains(s.places, place) {
		s.places = append(s.places, place)
	}
}

// writeProperties writes the properties of a run.
func writeProperties(b *strings.Builder, r *result.Result) {
	name := testName(&r.Run)
	write := func(what, value string) { writeProperty(b, name+": "+what, value) }
	write("seed", fmt.Sprint(r.Seed))
	for i := range r.Facts.Faults {
		f := &r.Facts.Faults[i]
		write("hits of "+f.Name, fmt.Sprint(f.Hits))
	}
	write("attempts", fmt.Sprint(len(r.Attempts)+1))
	late := 0.0
	for i := range r.Facts.Late {
		late = max(late, r.Facts.Late[i].Seconds)
	}
	write("late", fmt.Sprintf("%.3f", late))
}

func writeProperty(b *strings.Builder, name, value string) {
	fmt.Fprintf(b, "      <property%s%s/>\n", attribute("name", name), attribute("value", value))
}

// writeCase writes the test case of a run.
func (v *junitView) writeCase(b *strings.Builder, r *result.Result, suite string) {
	fmt.Fprintf(b, "    <testcase%s%s%s", attribute("name", testName(&r.Run)), attribute("classname", suite),
		attribute("time", seconds(r.Took)))
	var inner strings.Builder
	again := "flakyFailure"
	switch r.Status {
	case result.Pass:
	case result.Fail, result.Inconclusive:
		again = "rerunFailure"
		writeElement(&inner, "failure", why(r), string(r.Code()), v.details(r))
	case result.Skip:
		if v.o.NoSkip {
			writeElement(&inner, "failure", why(r), string(r.Code()), "")
			break
		}
		fmt.Fprintf(&inner, "      <skipped%s/>\n", attribute("message", why(r)))
	default:
		again = "rerunFailure"
		writeElement(&inner, "error", why(r), string(r.Code()), v.details(r))
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		text := "could not be judged:\n"
		for _, check := range a.Checks {
			text += "  " + check + "\n"
		}
		if a.Dir != "" {
			text += "stored in " + a.Dir + "\n"
		}
		writeElement(&inner, again, fmt.Sprintf("attempt %d after %.3f s was inconclusive: %s", i+1, a.Seconds, a.Because),
			string(result.Inconclusive), text)
	}
	if out := v.output(r); out != "" {
		fmt.Fprintf(&inner, "      <system-out>%s</system-out>\n", out)
	}
	if inner.Len() == 0 {
		b.WriteString("/>\n")
		return
	}
	b.WriteString(">\n" + inner.String() + "    </testcase>\n")
}

func writeElement(b *strings.Builder, name, message, kind, text string) {
	if text != "" {
		text = "\n" + text // so that its columns are aligned
	}
	fmt.Fprintf(b, "      <%s%s%s>%s</%s>\n", name, attribute("message", message), attribute("type", kind),
		characters(text), name)
}

// mostOutput is how many bytes of what the programs of a run printed are in its test case, the last ones.
const mostOutput = 64 << 10

// output returns, as XML, the files of a stored run as attachments, and what its programs printed.
func (v *junitView) output(r *result.Result) string {
	var b strings.Builder
	if r.Dir != "" {
		names := []string{result.TraceFile, result.CaptureFile}
		for i := range r.Logs {
			names = append(names, r.Logs[i].Name)
		}
		for _, name := range names {
			path := v.o.relative(filepath.Join(r.Dir, name))
			if say.Printable(path) == path && !strings.Contains(path, "]]") {
				b.WriteString("\n[[ATTACHMENT|" + escaped(path) + "]]")
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(programOutput(r))
	return b.String()
}

// programOutput returns, as XML, the last lines that the programs of a run printed. Programs cannot name
// attachments: a reader would publish files of the machine.
func programOutput(r *result.Result) string {
	if r.Trace == nil {
		return ""
	}
	var lines []string
	size, left := 0, 0
	for i := len(r.Trace.Events) - 1; i >= 0; i-- {
		if e := &r.Trace.Events[i]; e.Line == nil && e.Program == nil {
			continue
		}
		line := logLine(&r.Run, &r.Trace.Events[i].Event, Look{}, 1)
		switch {
		case line == "":
			continue
		case left > 0 || size+len(line) > mostOutput:
			left++
			continue
		}
		size += len(line)
		lines = append(lines, characters(line))
	}
	if left > 0 {
		lines = append(lines, say.Count(left, "line")+" before these are left out")
	}
	slices.Reverse(lines)
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func (v *junitView) Close(results []result.Result, e Ending) error {
	defer v.drop()
	v.say(results, &e)
	slices.SortStableFunc(v.numbered, func(a, b *junitSuite) int { return cmp.Compare(a.first, b.first) })
	for place, s := range v.numbered {
		v.suites[s.name] = place
	}
	all := v.inOrder(func(f *fragment) int { return v.suites[f.group] })
	failed, broken, _, _ := v.count(all)
	others := v.others(results, &e, e.neverBegan(results, all))
	tests := len(all)
	for i := range others {
		tests += len(others[i].cases)
		failed += others[i].with("failure")
		broken += others[i].with("error")
	}
	w := &writer{w: v.o.Out}
	w.write(xml.Header)
	w.printf("<testsuites name=\"halfopen\"%s tests=\"%d\" failures=\"%d\" errors=\"%d\">\n",
		attribute("time", seconds(e.took(v.began))), tests, failed, broken)
	for n, s := range v.numbered {
		end := 0
		for end < len(all) && v.suites[all[end].group] == n {
			end++
		}
		if err := v.writeSuite(w, s, all[:end], e.Seed); err != nil {
			return err
		}
		all = all[end:]
	}
	for i := range others {
		others[i].write(w)
	}
	w.write("</testsuites>\n")
	return w.err
}

// count counts the failed, broken and skipped runs, and adds up their times.
func (v *junitView) count(all []fragment) (failed, broken, skipped int, took time.Duration) {
	for i := range all {
		took += all[i].took
		switch status := all[i].status; {
		case status == result.Pass:
		case status == result.Skip && !v.o.NoSkip:
			skipped++
		case status == result.Fail || status == result.Inconclusive || status == result.Skip:
			failed++
		default:
			broken++
		}
	}
	return failed, broken, skipped, took
}

// writeSuite writes the test suite of a scenario, whose runs are given in order.
func (v *junitView) writeSuite(w *writer, s *junitSuite, all []fragment, seed uint64) error {
	failed, broken, skipped, took := v.count(all)
	w.printf("  <testsuite%s tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"%s", attribute("name", s.name),
		len(all), failed, broken, skipped, attribute("time", seconds(took)))
	if !s.began.IsZero() {
		w.write(attribute("timestamp", s.began.UTC().Format("2006-01-02T15:04:05")))
	}
	w.write(attribute("file", s.file) + ">\n    <properties>\n")
	var common strings.Builder
	writeProperty(&common, "seed", fmt.Sprint(seed))
	writeProperty(&common, "kernel", strings.Join(s.kernels, ", "))
	writeProperty(&common, "place", strings.Join(s.places, ", "))
	w.write(common.String())
	for _, part := range []int{0, 1} {
		if part == 1 {
			w.write("    </properties>\n")
		}
		for i := range all {
			text, err := v.read(&all[i])
			if err != nil {
				return err
			}
			w.write(strings.SplitN(text, junitSplit, 2)[part])
		}
	}
	w.write("  </testsuite>\n")
	return w.err
}

// junitOthers is a test suite of what is not a run that ended.
type junitOthers struct {
	name  string
	cases []junitOther
}

// junitOther is a test case with an element: skipped, failure or error.
type junitOther struct{ class, name, message, element string }

// others are what never ran, and why.
func (v *junitView) others(results []result.Result, e *Ending, never int) []junitOthers {
	var all []junitOthers
	if len(v.o.LeftOut) > 0 {
		all = append(all, junitOthers{name: "left out"})
	}
	leftOut := "skipped"
	if v.o.NoSkip {
		leftOut = "failure"
	}
	for i := range v.o.LeftOut {
		l := &v.o.LeftOut[i]
		all[0].cases = append(all[0].cases, junitOther{l.Scenario, strings.TrimSpace(l.Case + " " + l.Family), l.Why, leftOut})
	}
	if len(v.o.Refused) > 0 {
		wrong := junitOthers{name: "refused"}
		for i := range v.o.Refused {
			f := &v.o.Refused[i]
			wrong.cases = append(wrong.cases, junitOther{"halfopen", f.File, strings.Join(f.Texts(), "\n"), "error"})
		}
		all = append(all, wrong)
	}
	if never == 0 {
		return all
	}
	why := strings.TrimSpace(e.early(results))
	rest := junitOthers{name: "not started"}
	if e.Stop != result.FailFast { // there, a test case has failed
		rest.cases = append(rest.cases, junitOther{"halfopen", "not started", why, "error"})
	}
	why, _, _ = strings.Cut(why, ":")
	for i := range e.Rest {
		r := &e.Rest[i]
		name := testName(&r.Run)
		if r.All > 1 {
			name += fmt.Sprintf(" (%d of %d)", r.Times, r.All)
		}
		rest.cases = append(rest.cases, junitOther{suiteName(&r.Run, v.o.Shared), name, why, "skipped"})
	}
	return append(all, rest)
}

// with counts the cases with an element.
func (s *junitOthers) with(element string) int {
	n := 0
	for i := range s.cases {
		if s.cases[i].element == element {
			n++
		}
	}
	return n
}

func (s *junitOthers) write(w *writer) {
	w.printf("  <testsuite%s tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\">\n", attribute("name", s.name),
		len(s.cases), s.with("failure"), s.with("error"), s.with("skipped"))
	for i := range s.cases {
		c := &s.cases[i]
		w.printf("    <testcase%s%s>\n      <%s%s/>\n    </testcase>\n", attribute("name", c.name),
			attribute("classname", c.class), c.element, attribute("message", c.message))
	}
	w.write("  </testsuite>\n")
}

// attribute returns an attribute of an XML element, with a blank before it.
func attribute(name, value string) string {
	return " " + name + `="` + escaped(say.Printable(value)) + `"`
}

// characters returns a text of lines as the content of an XML element. What XML does not allow is
// written as an escape of Go, and nothing looks like an attachment.
func characters(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = say.Printable(strings.ReplaceAll(line, "\t", "    "))
		lines[i] = escaped(strings.ReplaceAll(line, "[[ATTACHMENT|", "[ [ATTACHMENT|"))
	}
	return strings.Join(lines, "\n")
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
