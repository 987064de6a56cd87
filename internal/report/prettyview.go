package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// newPretty returns the view for people.
func newPretty(o Output) View {
	return &prettyView{
		live: newLive(o, o.Verbose, nil), quiet: o.Quiet, noSkip: o.NoSkip, refused: len(o.Refused),
	}
}

// mostInTable is the largest number of rows of the table. It lists the passed results only if it has
// room for all.
const mostInTable = 40

// prettyView writes a line for each run, with the details of failures below it, and a table at the
// end.
type prettyView struct {
	*live
	answers answers
	// quiet leaves only failures and the last line; noSkip makes a skipped run a failure.
	quiet, noSkip bool
	// refused is the number of files that are wrong.
	refused int
}

// failed reports whether a run that has ended is a failure.
func (v *prettyView) failed(r *result.Result) bool {
	switch r.Status {
	case result.Fail, result.Error, result.Inconclusive:
		return true
	case result.Skip:
		return v.noSkip
	}
	return false
}

func (v *prettyView) End(r *result.Result) {
	if r.Status == result.Canceled && v.quiet {
		v.stopped(&r.Run, "")
		return
	}
	if r.Status == result.Canceled {
		v.stopped(&r.Run, fmt.Sprintf("STOP  %s: canceled after %s",
			v.look.id(&r.Run), shortSeconds(r.Took)))
		return
	}
	v.answers.add(r)
	switch bad := v.failed(r); {
	case !bad && v.quiet:
		v.done(&r.Run, false, "")
		return
	case !bad:
		v.done(&r.Run, false, v.text(r, Details(r, v.look)))
		return
	}
	v.alike.mu.Lock()
	defer v.alike.mu.Unlock()
	v.done(&r.Run, true, v.text(r, v.alike.details(r, v.look)))
}

// text is the line of a run, with its attempts and its details below.
func (v *prettyView) text(r *result.Result, details string) string {
	text := Line(r, v.look)
	if attempts := r.AttemptsText(); attempts != "" {
		text += "\n  " + paint(v.look.Color, warn, v.look.plain(attempts))
	}
	if details != "" {
		text += "\n" + details
	}
	return text
}

// Repeats prints a line about a run that is to be repeated; its live line stays.
func (v *prettyView) Repeats(r *result.Result) {
	if v.quiet {
		return
	}
	v.progress.Print(fmt.Sprintf("AGAIN %s %7s  %s; repeated alone, after all others",
		fill(v.look.id(&r.Run), idWidth), shortSeconds(r.Took), attemptsSoFar(r)))
}

// attemptsSoFar says what came of the attempts of a run that is to be repeated.
func attemptsSoFar(r *result.Result) string {
	so := *r
	so.Status = result.NotRun
	return so.AttemptsText()
}

func (v *prettyView) Close(results []result.Result, e Ending) error {
	v.progress.Close()
	done, _ := finished(results, &e)
	count := e.Others.Plus(done)
	last := summary(count, e.took(v.began), v.look)
	if v.refused > 0 {
		last += "; " + paint(v.look.Color, bad, say.Count(v.refused, "wrong file"))
	}
	last += fmt.Sprintf("; seed %d\n", e.Seed)
	if v.quiet {
		_, err := io.WriteString(v.out, e.early(results)+lineOf(e.LeftOut)+v.skips(&count, &e)+last)
		return err
	}
	var text strings.Builder
	if table := tableOf(results, done, &e, &v.answers, v.look); table != "" {
		text.WriteString("\n" + table)
	}
	if repeated := repetitionsText(e.Repeated, v.look); repeated != "" {
		text.WriteString("\n" + repeated)
	}
	text.WriteString("\n" + last)
	if slices.ContainsFunc(done, failedInSlowTime) {
		text.WriteString("an emulated or busy virtual machine may be too slow for expectations in real time; --warp makes times exact\n")
	}
	if len(done)+e.Others.Ended() > 0 {
		text.WriteString(v.progress.bootTime())
	}
	text.WriteString(v.alike.leftOut())
	text.WriteString(remedy(results))
	text.WriteString(v.skips(&count, &e))
	return v.write(&text, results, e)
}

// skips is a line about skipped runs that count as failures; "" if there are none.
func (v *prettyView) skips(count *result.Tally, e *Ending) string {
	if !v.noSkip || count.With(result.Skip) == 0 && e.LeftOut == "" {
		return ""
	}
	return "what was skipped or left out counts as a failure (--no-skip)\n"
}

// tableOf is the table at the end: by kernels if there are several, else of the results that are
// worth a second line.
func tableOf(
	results []result.Result, done []*result.Result, e *Ending, kept *answers, k Look,
) string {
	if kernels := kernelsOf(results); len(kernels) > 1 {
		return kernelTable(done, kernels, k) + unlisted(e.Others.Ended())
	}
	all := len(done) + e.Others.Ended()
	if all <= 1 {
		return ""
	}
	if e.Others.Ended() == 0 && all <= mostInTable {
		if grid, ok := gridTable(done, kept, k); ok {
			return grid
		}
	}
	// Each result already has a line. If there are many, the table has only those that did not
	// pass, the first of them.
	missing := e.Others.Ended()
	if all > mostInTable {
		done = slices.DeleteFunc(slices.Clone(done),
			func(r *result.Result) bool { return r.Status == result.Pass })
		missing -= e.Others.With(result.Pass)
	}
	if more := len(done) - mostInTable; more > 0 {
		done, missing = done[:mostInTable], missing+more
	}
	if len(done) == 0 {
		return ""
	}
	return closingTable(done, k) + unlisted(missing)
}

// unlisted is a line about the runs for which a table has no room; "" if there are none.
func unlisted(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("and %s, each with its line above\n", say.Count(n, "more run"))
}

// remedy is a line about runs that stayed inconclusive, and what to do; "" if there are none.
func remedy(results []result.Result) string {
	n := 0
	for i := range results {
		if results[i].Status == result.Inconclusive {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("the machine was too busy to judge %s: do fewer runs at once (--jobs 1), "+
		"leave the machine alone meanwhile, or use --warp, where its load does not matter\n",
		say.Count(n, "run"))
}

// failedInSlowTime reports whether a run failed in a virtual machine in real time.
func failedInSlowTime(r *result.Result) bool {
	return r.Status == result.Fail && r.Place.Virtual() && !r.Place.Warp
}
