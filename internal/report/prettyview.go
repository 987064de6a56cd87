package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/internal/say"
)

// newPretty returns the view for people.
func newPretty(o Output) View { return &prettyView{newLive(o, o.Verbose)} }

// mostInTable is the largest number of results of which the table also lists the passed ones.
const mostInTable = 40

// prettyView writes a line for each run, with the details of failures below it, and a table at the
// end.
type prettyView struct{ *live }

func (v *prettyView) End(r *result.Result) {
	if r.Status == result.Canceled {
		v.watcher(&r.Run).Done(false, fmt.Sprintf("STOP  %s: canceled after %s",
			say.Printable(r.ID()), shortSeconds(r.Took)))
		return
	}
	text := Line(r, v.look)
	if details := Details(r, v.look); details != "" {
		text += "\n" + details
	}
	v.watcher(&r.Run).Done(r.Status == result.Fail || r.Status == result.Error, text)
}

func (v *prettyView) Close(results []result.Result, e Ending) error {
	v.progress.Close()
	done, _ := finished(results)
	var text strings.Builder
	if table := tableOf(results, done, v.look); table != "" {
		text.WriteString("\n" + table)
	}
	fmt.Fprintf(&text, "\n%s; seed %d\n", summary(done, time.Since(v.began), v.look), e.Seed)
	if slices.ContainsFunc(done, failedInSlowTime) {
		text.WriteString("an emulated or busy virtual machine may be too slow for expectations in real time; --warp makes times exact\n")
	}
	return v.write(&text, results, e)
}

// tableOf is the table at the end: by kernels if there are several, else of the results that are
// worth a second line.
func tableOf(results []result.Result, done []*result.Result, k Look) string {
	if kernels := kernelsOf(results); len(kernels) > 1 {
		return kernelTable(done, kernels, k)
	}
	if len(done) <= 1 {
		return ""
	}
	// Each result already has a line. If there are many, the table has only those that did not
	// pass.
	if len(done) > mostInTable {
		done = slices.DeleteFunc(slices.Clone(done),
			func(r *result.Result) bool { return r.Status == result.Pass })
	}
	if len(done) == 0 {
		return ""
	}
	return closingTable(done, k)
}

// failedInSlowTime reports whether a run failed in a virtual machine in real time.
func failedInSlowTime(r *result.Result) bool {
	return r.Status == result.Fail && r.Place.Virtual() && !r.Place.Warp
}
