package report

import (
	"fmt"
	"slices"
	"strings"

	"halfopen/assertions"
	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// newTAP returns the view in the Test Anything Protocol, version 14: https://testanything.org. The
// version that it names is 13, unless the harness asks for 14: prove does not read 14, while readers of 14
// read 13, from which nothing here differs.
func newTAP(o Output) View { return &tapView{atEnd: newAtEnd(o)} }

// tapView writes a test point for each run, at the end of the suite. What did not pass has a diagnostic
// block.
type tapView struct{ *atEnd }

func (v *tapView) End(r *result.Result) {
	text := tapEscaped(caption(&r.Run, v.o.Shared))
	switch {
	case r.Status == result.Skip && !v.o.NoSkip:
		text += " # SKIP " + tapEscaped(why(r))
	case r.Status != result.Pass:
		text += " (" + string(r.Status) + ")"
	}
	v.add(r, "", text+"\n"+v.block(r))
}

// block returns the diagnostic block of a run; "" for one that passed at once, or was skipped. Its YAML
// is what prove reads: quoted texts on one line, and literal blocks without an indicator or an empty line.
func (v *tapView) block(r *result.Result) string {
	attempts := r.AttemptsText()
	if r.Status == result.Skip && !v.o.NoSkip || r.Status == result.Pass && attempts == "" {
		return ""
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	line("---")
	if r.Status != result.Pass {
		line("message: %s", tapQuoted(why(r)))
		line("severity: %s", r.Status)
		line("code: %s", r.Code())
	}
	unmet := slices.DeleteFunc(slices.Clone(r.Verdicts), func(x assertions.Verdict) bool {
		return x.Status != assertions.Fail && x.Status != assertions.Inconclusive
	})
	if i := slices.IndexFunc(unmet, func(x assertions.Verdict) bool { return x.Pos.Line > 0 }); i >= 0 {
		line("at:")
		line("  file: %s", tapQuoted(v.o.fileOf(r.Scenario, unmet[i].Pos.File)))
		line("  line: %d", unmet[i].Pos.Line)
		line("  column: %d", unmet[i].Pos.Col)
	}
	line("seconds: %.3f", r.Took.Seconds())
	line("seed: %d", r.Seed)
	if attempts != "" {
		line("attempts: %s", tapQuoted(attempts))
	}
	if len(unmet) > 0 {
		line("verdicts:")
	}
	for i := range unmet {
		x := &unmet[i]
		line("  - title: %s", tapQuoted(x.Title))
		line("    status: %s", x.Status)
		line("    code: %s", x.Code)
		line("    want: %s", tapQuoted(x.Want))
		line("    got: %s", tapQuoted(x.Got))
	}
	if r.Dir != "" {
		line("stored: %s", tapQuoted(v.o.relative(r.Dir)))
	}
	if details := v.details(r); details != "" && r.Status != result.Pass {
		line("details: |")
		line("  %s", say.Printable(caption(&r.Run, v.o.Shared))) // the first line must have the least indentation
		for text := range strings.Lines(details) {
			line("  %s", strings.TrimSuffix(text, "\n"))
		}
	}
	line("...")
	return b.String()
}

// tapQuoted returns a text in the quotes of YAML.
func tapQuoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(say.Printable(text)) + `"`
}

// tapEscaped returns a text for a line with a test point.
func tapEscaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, `#`, `\#`).Replace(say.Printable(text))
}

func (v *tapView) Close(results []result.Result, e Ending) error {
	defer v.drop()
	v.say(results, &e)
	w := &writer{w: v.o.Out}
	all := v.inOrder(nil)
	runs := len(all) + e.neverBegan(results, all)
	w.printf("TAP version %d\n1..%d\n# halfopen, seed %d\n", max(v.o.TAP, 13),
		runs+len(v.o.Refused)+len(v.o.LeftOut), e.Seed)
	for i := range all {
		text, err := v.read(&all[i])
		if err != nil {
			return err
		}
		ok := "not ok"
		if all[i].status == result.Pass || all[i].status == result.Skip && !v.o.NoSkip {
			ok = "ok"
		}
		w.printf("%s %d - %s", ok, i+1, text)
	}
	for i := range v.o.Refused {
		f := &v.o.Refused[i]
		w.printf("not ok %d - %s\n  ---\n  message: %s\n  severity: error\n  ...\n", len(all)+1+i, tapEscaped(f.File),
			tapQuoted(strings.Join(f.Texts(), "; ")))
	}
	leftOut := "ok"
	if v.o.NoSkip {
		leftOut = "not ok"
	}
	for i := range v.o.LeftOut {
		l := &v.o.LeftOut[i]
		name := strings.Join(strings.Fields(l.Scenario+" "+l.Case+" "+l.Family), " ")
		w.printf("%s %d - %s", leftOut, len(all)+len(v.o.Refused)+1+i, tapEscaped(name))
		if !v.o.NoSkip {
			w.printf(" # SKIP %s", tapEscaped(l.Why))
		}
		w.write("\n")
	}
	if e.LeftOut != "" {
		w.printf("# %s\n", say.Printable(e.LeftOut))
	}
	if early := e.early(results); early != "" {
		says := "Bail out! "
		if e.UntilFail {
			says = "# " // everything was done that could be
		}
		w.write(says + early)
	}
	return w.err
}
