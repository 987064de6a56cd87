package report

import (
	"fmt"
	"io"
	"strings"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// Format is a form in which the results of a suite are written.
type Format struct {
	// Name is what --format takes.
	Name string
	// For says in a few words what the format is for.
	For string
	// New returns a view that writes in this format.
	New func(Output) View
}

// Formats are the formats there are, the default first. A format is its file and its row here.
var Formats = []Format{
	{Name: "pretty", For: "for people: a line a run, ladders of failures, a closing table", New: newPretty},
	{Name: "json", For: "for programs: a line of JSON a run, with the keys of verdict.json", New: newJSON},
}

// FormatNamed returns the format of a name. The error names those that there are.
func FormatNamed(name string) (*Format, error) {
	for i := range Formats {
		if Formats[i].Name == name {
			return &Formats[i], nil
		}
	}
	return nil, fmt.Errorf("want %s", FormatNames())
}

// FormatNames lists the names of the formats: "pretty or json".
func FormatNames() string {
	last := len(Formats) - 1
	var names []string
	for i := range Formats[:last] {
		names = append(names, Formats[i].Name)
	}
	return strings.Join(names, ", ") + " or " + Formats[last].Name
}

// Output is where a view writes, and what it knows beforehand.
type Output struct {
	// Out is for the results, Errs for what else there is to say, where the format leaves no room for it.
	Out, Errs io.Writer
	// Verbose wants all that is known of passed runs, too.
	Verbose bool
	// Runs is how many runs there will be.
	Runs int
}

// View writes the results of a suite: while runs go on, as each ends, and at the end. It is an observer of the suite, so
// Begin, Event and End are called by several goroutines at once.
type View interface {
	Begin(*result.Run)
	Event(*result.Run, *trace.Event)
	End(*result.Result)
	// Close is called once, at the end, with the results of all runs in the order of the suite.
	Close(results []result.Result, e Ending) error
}

// Ending is what there is to say at the end, apart from the results.
type Ending struct {
	Seed uint64
	// LeftOut is a line about cases that were not run; "" if there are none.
	LeftOut string
	// Dir is the directory below which runs are stored; "" if they are not.
	Dir string
}

// finished returns the results of runs that came to their end, and the number of those that did not.
func finished(results []result.Result) (done []*result.Result, stopped int) {
	for i := range results {
		if results[i].Ended() {
			done = append(done, &results[i])
		}
	}
	return done, len(results) - len(done)
}

// interrupted is a line about runs that did not come to their end; "" if all did.
func interrupted(stopped, all int) string {
	if stopped == 0 {
		return ""
	}
	were := "runs were"
	if all == 1 {
		were = "run was"
	}
	return fmt.Sprintf("interrupted: %d of %d %s canceled or never begun\n", stopped, all, were)
}

// lineOf ends a text with a line break; no text is no line.
func lineOf(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n"
}
