package report

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// Format is an output format for the results of a suite.
type Format struct {
	// Name is the value of --format.
	Name string
	// For says, in a few words, what the format is for.
	For string
	// Grows is set if the view writes while runs go on. Others write only in Close.
	Grows bool
	// NoPath is set if the places of a report in this format are given: --report takes no path for it,
	// and --format does not take it.
	NoPath bool
	// New returns a view that writes in this format.
	New func(Output) View
	// Control returns a view of runs and their controls that writes a row for each setting; nil if
	// the format has none.
	Control func(Output) View
}

// Formats are all formats, the default first. A format is one file and one row here.
var Formats = []Format{
	{Name: "pretty", For: "for people: a line for each run, ladders of failures, a final table", Grows: true, New: newPretty, Control: newControl},
	{Name: "json", For: "for programs: a record of JSON in each line, as docs/ci.md says", Grows: true, New: newJSON, Control: newControlJSON},
	{Name: "junit", For: "for Jenkins, GitLab and others: JUnit XML, a test case for each run", New: newJUnit},
	{Name: "tap", For: "for prove and others: the Test Anything Protocol, version 14", New: newTAP},
	{Name: "markdown", For: "for web pages: Markdown, a table, and the ladders of failures", New: newMarkdown},
	{Name: "github", For: "for GitHub Actions: annotations, and the step's summary", NoPath: true, New: newGitHub},
}

// FormatNamed returns the format with this name. The error lists the names of all formats.
func FormatNamed(name string) (*Format, error) {
	for i := range Formats {
		if Formats[i].Name == name {
			return &Formats[i], nil
		}
	}
	return nil, fmt.Errorf("want %s", FormatNames())
}

// FormatNames lists the names of the formats for --format: "pretty or json".
func FormatNames() string { return namesOf(func(f *Format) bool { return !f.NoPath }) }

// ReportNames lists the names of the formats for --report.
func ReportNames() string { return namesOf(func(*Format) bool { return true }) }

// ControlFormatNames lists the names of the formats that have a view of controls.
func ControlFormatNames() string { return namesOf(func(f *Format) bool { return f.Control != nil }) }

func namesOf(has func(*Format) bool) string {
	var names []string
	for i := range Formats {
		if has(&Formats[i]) {
			names = append(names, Formats[i].Name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// Output is where a view writes, and what it knows in advance.
type Output struct {
	// Out is for the results. Errs is for other messages, if the format has no place for them.
	Out, Errs io.Writer
	// Verbose asks for the details of passed runs, too. Quiet asks for failures and the last line only,
	// where people read the output; NoSkip makes a skipped run a failure.
	Verbose, Quiet, NoSkip bool
	// Logs asks for the lines that programs print, as they come.
	Logs bool
	// Runs is the number of runs of the suite; 0 if it is not known.
	Runs int
	// Suite is what is known of the suite in advance, for programs. A view sets its Head and Runs.
	Suite Suite
	// LeftOut are the cases that are not run, Refused the files that are wrong.
	LeftOut []LeftOut
	Refused []Refused
	// Base is the directory that paths of stored runs are relative to in records; "" leaves them as
	// they are.
	Base string
	// Root is the directory that readers of reports know paths from, as an absolute path, such as that of
	// a checkout; "" leaves paths as they are.
	Root string
	// TAP is the version of the Test Anything Protocol that the reader asks for; 0 if it does not ask.
	TAP int
	// Summary is for the summary of a step of GitHub Actions, in Markdown; nil if there is none.
	// SummaryRoom is how many bytes it takes.
	Summary     io.Writer
	SummaryRoom int
	// Shared are the names that scenarios of several files have, see [SharedNames].
	Shared map[string]bool
}

// fileOf returns the file of a scenario as readers of a report know it. Those of the library and of the
// standard input are no files of the machine.
func (o *Output) fileOf(s *language.Scenario, file string) string {
	if s.Dir == "" || file == result.StandardInput {
		return file
	}
	return o.relative(file)
}

// relative returns a path as readers of a report know it: relative to the root, or else absolute.
func (o *Output) relative(path string) string {
	if o.Root == "" {
		return path
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if below, ok := below(o.Root, whole); ok {
		return below
	}
	root, rootErr := filepath.EvalSymlinks(o.Root)
	real, err := filepath.EvalSymlinks(whole)
	if err != nil || rootErr != nil {
		return whole
	}
	if below, ok := below(root, real); ok {
		return below
	}
	return whole
}

// below returns the path relative to a directory, if it is there.
func below(dir, path string) (string, bool) {
	rel, err := filepath.Rel(dir, path)
	return rel, err == nil && filepath.IsLocal(rel)
}

// View writes the results of a suite: while runs go on, when each ends, and at the end of the
// suite. It is an observer of the suite: Begin, Event and End are called by several goroutines at
// once.
type View interface {
	Begin(*result.Run)
	Event(*result.Run, *trace.Event)
	End(*result.Result)
	// Say writes a line that is not a result, while runs go on. On a terminal, it is above the live
	// lines.
	Say(line string)
	// Close is called once, at the end, with results in the suite's order. Runs that are not among
	// them are counted in the ending. A result need not have its trace any more.
	Close(results []result.Result, e Ending) error
}

// Ending is what a view writes at the end, apart from the results.
type Ending struct {
	Seed uint64
	// Exit is the exit status that halfopen ends with, unless its output cannot be written.
	Exit int
	// Others counts the runs that are not among the results: they never began, or there were too
	// many to keep all.
	Others result.Tally
	// Stop is why the suite ended before all of its runs had, Rest are the runs that never began for
	// that reason.
	Stop result.Stop
	Rest []result.Rest
	// Repeated sums up the repetitions of each run; nil if runs are not repeated.
	Repeated []*result.Repetitions
	// MaxTime is the time that the suite had, if it was bounded. UntilFail is set if runs were repeated
	// until one fails.
	MaxTime   time.Duration
	UntilFail bool
	// Took is how long the suite took; 0 is the time since the view was made.
	Took time.Duration
	// LeftOut is a line about cases that were not run; "" if there are none.
	LeftOut string
	// Dir is the directory below which runs are stored; "" if they are not.
	Dir string
}

// took returns how long a suite took whose view was made at began.
func (e *Ending) took(began time.Time) time.Duration { return cmp.Or(e.Took, time.Since(began)) }

// finished returns the results of runs that ended, and the number of runs that did not.
func finished(results []result.Result, e *Ending) (done []*result.Result, stopped int) {
	for i := range results {
		if results[i].Ended() {
			done = append(done, &results[i])
		}
	}
	return done, len(results) - len(done) + e.Others.Runs() - e.Others.Ended()
}

// early is a line about runs that did not end; "" if all did.
func (e *Ending) early(results []result.Result) string {
	_, stopped := finished(results, e)
	switch {
	case e.UntilFail && e.Stop == result.OutOfTime:
		return fmt.Sprintf("the time was over before a run failed (--max-time %s)\n", say.Duration(e.MaxTime))
	case stopped == 0 || e.Stop == result.UntilFail:
		return ""
	}
	why := "interrupted"
	switch e.Stop {
	case result.FailFast:
		why = "ended by the first failure (--fail-fast)"
	case result.OutOfTime:
		why = fmt.Sprintf("out of time (--max-time %s)", say.Duration(e.MaxTime))
	}
	all := len(results) + e.Others.Runs()
	were := "runs were"
	if all == 1 {
		were = "run was"
	}
	text := fmt.Sprintf("%s: %d of %d %s canceled or not started", why, stopped, all, were)
	if len(e.Rest) > 0 && why != "interrupted" {
		text += "; not started: " + say.Printable(result.RestText(e.Rest))
	}
	return text + "\n"
}

// lineOf appends a line break to a text, unless the text is empty.
func lineOf(text string) string {
	if text == "" {
		return ""
	}
	return text + "\n"
}
