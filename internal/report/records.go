package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"halfopen/harness/suite/result"
)

// Schema is the version of the records. Within a version, keys, values of keys and kinds of records
// may be added, but none is changed or removed.
const Schema = 1

// Kind is a kind of records.
type Kind string

// The kinds.
const (
	SuiteRecord    Kind = "suite"
	LeftOutRecord  Kind = "left-out"
	RefusedRecord  Kind = "refused"
	BegunRecord    Kind = "begun"
	RunRecord      Kind = "run"
	CanceledRecord Kind = "canceled"
	NotRunRecord   Kind = "not-run"
	ControlRecord  Kind = "control"
	SummaryRecord  Kind = "summary"
)

// recordKind is a kind, what it says, and how to make an empty record of it.
type recordKind struct {
	kind Kind
	what string
	new  func() any
}

// kinds are all kinds: those of results in the order in which they may first appear, then others.
var kinds = []recordKind{
	{SuiteRecord, "The first record: what is known before any run.", func() any { return new(Suite) }},
	{LeftOutRecord, "A case that is not run.", func() any { return new(LeftOut) }},
	{RefusedRecord, "A file that is wrong.", func() any { return new(Refused) }},
	{BegunRecord, "A run began.", func() any { return new(Begun) }},
	{RunRecord, "A run ended. The file verdict.json has such a record.", func() any { return new(Record) }},
	{CanceledRecord, "A run that began was stopped before its end.", func() any { return new(Canceled) }},
	{NotRunRecord, "A run, or repetitions of it, never began because the suite ended before.", func() any { return new(NotRun) }},
	{ControlRecord, "What the runs without a setting show, with --control.", func() any { return new(Control) }},
	{SummaryRecord, "The last record. Without it, the suite was killed, or goes on.", func() any { return new(Summary) }},
	{FindingRecord, "What is wrong with a scenario, or may be, by check.", func() any { return new(FoundRecord) }},
	{FileRecord, "A file, after its findings, by check.", func() any { return new(CheckedRecord) }},
	{CheckedFiles, "The number of files: the last record of check.", func() any { return new(CheckSummary) }},
	{ScenarioRecord, "A scenario of the library, by list.", func() any { return new(Listed) }},
	{FeatureRecord, "Something that scenarios use, by doctor.", func() any { return new(Feature) }},
	{MachineRecord, "This machine: the last record of doctor.", func() any { return new(Machine) }},
	{KernelRecord, "A kernel that runs can have, by kernel list.", func() any { return new(Kernel) }},
	{ArchiveRecord, "Whether kernels can be downloaded: the last record of kernel list.", func() any { return new(Archive) }},
}

// mostCounted is the largest number that every reader of JSON keeps as it is. No suite has as many runs.
const mostCounted int = min(math.MaxInt, 1<<53-1)

// Head is the beginning of each record.
type Head struct {
	// Schema is [Schema].
	Schema int  `json:"schema"`
	Kind   Kind `json:"record"`
}

func head(k Kind) Head { return Head{Schema, k} }

// is sets the head of a record.
func (h *Head) is(k Kind) { *h = head(k) }

// Suite is the first record: what is known before any run.
type Suite struct {
	Head
	// Version is that of halfopen, Kernel uname -r of this machine.
	Version string `json:"version"`
	Kernel  string `json:"kernel,omitempty"`
	// Began is when the suite began.
	Began time.Time `json:"began"`
	// Seed is the seed of the first run of each case.
	Seed uint64 `json:"seed,string" jsonschema:"pattern=^[0-9]+$"`
	// Runs is the number of runs, with all repetitions, that are to be done here.
	Runs int `json:"runs" jsonschema:"minimum=0"`
	// Plan is what all shards of the suite run together. Shard is which of them this is, nil if the
	// suite is not shared.
	Plan  *result.Plan  `json:"plan,omitempty"`
	Shard *result.Shard `json:"shard,omitempty"`
	// Args are the arguments of halfopen run, and Flags the flags that select runs, as NAME=VALUE.
	Args  []string `json:"args,omitempty"`
	Flags []string `json:"flags,omitempty"`
	// Only names the runs of them that are done, if they are what did not pass of another suite.
	Only []string `json:"only,omitempty"`
}

// LeftOut is a case that is not run.
type LeftOut struct {
	Head
	Scenario string `json:"scenario"`
	File     string `json:"file,omitempty"`
	Case     string `json:"case"`
	Family   string `json:"family"`
	ID       string `json:"id"`
	// Why says why.
	Why string `json:"why"`
}

// NewLeftOut returns the record of a case that is not run.
func NewLeftOut(r *result.Run, why string) LeftOut {
	a := about(r)
	return LeftOut{
		Head: head(LeftOutRecord), Scenario: a.Scenario, File: a.File, Case: a.Case, Family: a.Family,
		ID: a.ID, Why: why,
	}
}

// Refused is a file that is wrong.
type Refused struct {
	Head
	File string `json:"file"`
	// Findings are its mistakes.
	Findings []Finding `json:"findings"`
}

// NewRefused returns the record of a file that is wrong.
func NewRefused(file string, err error) Refused {
	return Refused{head(RefusedRecord), file, append([]Finding{}, Findings(err)...)}
}

// Texts returns its mistakes as they are printed.
func (r *Refused) Texts() []string {
	var texts []string
	for i := range r.Findings {
		texts = append(texts, r.Findings[i].String())
	}
	return texts
}

// Begun says that a run began.
type Begun struct {
	Head
	About
}

// Canceled is a run that began and was stopped before its end.
type Canceled struct {
	Head
	About
	Started time.Time `json:"started,omitzero"`
	Seconds float64   `json:"seconds"`
	// Dir is the directory with what was seen until then, "" if it is not stored.
	Dir string `json:"dir,omitempty"`
}

// NotRun is a run, or repetitions of it, that never began because the suite ended before.
type NotRun struct {
	Head
	About
	// Times is how many repetitions never began, Of how many there are. Index and seed are those of the
	// first repetition.
	Times int `json:"times" jsonschema:"minimum=1"`
	Of    int `json:"of" jsonschema:"minimum=1"`
}

// Rest returns what never began, as a suite counts it.
func (n *NotRun) Rest() result.Rest {
	return result.Rest{Run: n.run(), Times: n.Times, All: n.Of}
}

// Summary is the last record. A file without it is of a suite that was killed.
type Summary struct {
	Head
	// Runs counts the runs, Counts those of each status.
	Runs   int            `json:"runs"`
	Counts map[string]int `json:"counts"`
	// SkippedChecks is the number of checks that were skipped in runs that were judged.
	SkippedChecks int `json:"skipped_checks,omitempty"`
	// LeftOut counts the cases that were not run, Refused the files that are wrong.
	LeftOut int `json:"left_out,omitempty"`
	Refused int `json:"refused,omitempty"`
	// Repeated sums up the repetitions of each case, if cases are repeated.
	Repeated []Repetitions `json:"repeated,omitempty"`
	// Stopped is why the suite ended before its runs: interrupted, fail-fast, max-time or until-fail.
	Stopped result.Stop `json:"stopped,omitempty"`
	// Exit is the exit status of halfopen, unless its output could not be written.
	Exit    int     `json:"exit"`
	Seconds float64 `json:"seconds"`
}

// Ended returns the number of runs that ended by themselves, and of those that were canceled.
func (s *Summary) Ended() (ended, canceled int) {
	for _, status := range judged {
		ended += s.Counts[status]
	}
	return ended, s.Counts[statuses[result.Canceled]]
}

// statuses are the keys of [Summary.Counts].
var statuses = map[result.Status]string{
	result.Pass: "pass", result.Fail: "fail", result.Inconclusive: "inconclusive", result.Skip: "skip",
	result.Error: "error", result.Canceled: "canceled", result.NotRun: "not-run",
}

// judged are the values of [Record.Status].
var judged = []string{
	statuses[result.Pass], statuses[result.Fail], statuses[result.Inconclusive],
	statuses[result.Skip], statuses[result.Error],
}

// encode writes JSON. What a terminal would not show as it is, is escaped: encoding/json leaves
// control characters beyond ASCII, and those that turn the direction of writing. So is what a pipeline
// may take for a command, such as ##[error].
func encode(w io.Writer, record any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(record); err != nil {
		return err
	}
	_, err := w.Write(escape(bytes.ReplaceAll(text.Bytes(), []byte("##"), []byte(`#\u0023`))))
	return err
}

// escape escapes what a terminal would not show as it is in a text of JSON.
func escape(text []byte) []byte {
	var b []byte
	for {
		plain := slices.IndexFunc(text, unusual)
		switch {
		case plain < 0 && b == nil:
			return text
		case plain < 0:
			return append(b, text...)
		}
		b = append(b, text[:plain]...)
		r, size := utf8.DecodeRune(text[plain:])
		text = text[plain+size:]
		if strconv.IsPrint(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			b = fmt.Appendf(b, "\\u%04x", unit)
		}
	}
}

// unusual reports whether a byte is neither printable ASCII nor a line break.
func unusual(c byte) bool { return c != '\n' && (c < ' ' || c > '~') }
