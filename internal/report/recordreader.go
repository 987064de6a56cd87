package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrUnfinished says that records have no summary: the suite that wrote them was killed, or goes on.
var ErrUnfinished = errors.New("there is no summary: the suite was killed, or goes on")

// RecordError is a mistake in a file of records.
type RecordError struct {
	// File and Line say where it is. Line is 0 if it is about the whole file.
	File string
	Line int
	Err  error
}

func (e *RecordError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// longestRecord is the length of a line that no record of this version reaches: one with the verdicts
// of a run of some million packets.
const longestRecord = 256 << 20

// ReadRecords reads the file of records that has a name, and calls take with each: a *[Suite] first,
// then any of *[LeftOut], *[Refused], *[Begun], *[Record], *[Canceled], *[NotRun] and *[Control], and a *[Summary]
// last. Kinds and keys that this version does not know are passed over, as the promise of a schema
// demands.
//
// The error is a *[RecordError], or that of take. It has [ErrUnfinished] in it if only the summary is
// missing; take has been called with all records then.
func ReadRecords(name string, from io.Reader, take func(record any) error) error {
	rd := recordReader{lines: bufio.NewReaderSize(from, 64<<10), take: take}
	err := rd.all()
	var taken *takeError
	if errors.As(err, &taken) {
		return taken.error
	}
	if err != nil {
		line := rd.line
		if errors.Is(err, ErrUnfinished) {
			line = 0
		}
		return &RecordError{name, line, err}
	}
	return nil
}

// takeError is an error of the caller's.
type takeError struct{ error }

// recordReader reads records and keeps count of what is read.
type recordReader struct {
	lines *bufio.Reader
	take  func(any) error
	line  int
	suite *Suite
	ended bool
}

func (rd *recordReader) all() error {
	for {
		text, err := rd.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := rd.record(text); err != nil {
			return err
		}
	}
	switch {
	case rd.suite == nil:
		rd.line = 0
		return errors.New("it is empty: a file of results begins with a record of the suite")
	case !rd.ended:
		return ErrUnfinished
	}
	return nil
}

// next returns the next line, or io.EOF.
func (rd *recordReader) next() ([]byte, error) {
	rd.line++
	var text []byte
	for {
		part, err := rd.lines.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text, nil
		case err == bufio.ErrBufferFull && len(text) <= longestRecord:
		case err == bufio.ErrBufferFull:
			return nil, fmt.Errorf("the line has more than %d MiB: this is not a record", longestRecord>>20)
		case err == io.EOF && len(text) > 0:
			return nil, errors.New("the file is truncated: its last line has no end")
		default:
			return nil, err
		}
	}
}

func (rd *recordReader) record(text []byte) error {
	var h struct {
		Schema *int  `json:"schema"`
		Kind   *Kind `json:"record"`
	}
	switch err := json.Unmarshal(text, &h); {
	case err != nil:
		return fmt.Errorf("this is not a record: %w", err)
	case h.Schema == nil || h.Kind == nil:
		return fmt.Errorf(`this is not a record of schema %d: it has no "schema" or no "record"; `+
			"was it written by an earlier version of halfopen?", Schema)
	case *h.Schema != Schema:
		return fmt.Errorf("the record has schema %d: this version of halfopen reads schema %d", *h.Schema, Schema)
	}
	switch kind := *h.Kind; {
	case rd.ended:
		return fmt.Errorf("%q after the summary: the file has the records of more than one suite", kind)
	case rd.suite == nil && kind != SuiteRecord:
		return fmt.Errorf("%q before a record of the suite: the beginning of the file is missing", kind)
	case rd.suite != nil && kind == SuiteRecord:
		return errors.New("a second suite: the file has the records of more than one")
	}
	i := slices.IndexFunc(kinds, func(k recordKind) bool { return k.kind == *h.Kind })
	if i < 0 {
		return nil
	}
	record := kinds[i].new()
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(record); err != nil {
		return fmt.Errorf("reading the record %q: %w", *h.Kind, err)
	}
	if err := rd.check(record); err != nil {
		return fmt.Errorf("the record %q: %w", *h.Kind, err)
	}
	if err := rd.take(record); err != nil {
		return &takeError{err}
	}
	return nil
}

// check refuses a record whose values cannot be, and keeps what the others are compared with.
func (rd *recordReader) check(record any) error {
	switch r := record.(type) {
	case *Suite:
		rd.suite = r
		if r.Runs < 0 {
			return fmt.Errorf("invalid number of runs %d", r.Runs)
		}
		if r.Shard != nil {
			return r.Shard.Check()
		}
	case *Begun:
		return r.check()
	case *Canceled:
		return r.check()
	case *NotRun:
		return r.check()
	case *Record:
		if !slices.Contains(judged, r.Status) {
			return fmt.Errorf("invalid status %q", r.Status)
		}
		return r.check()
	case *Summary:
		rd.ended = true
	}
	return nil
}

func (a *About) check() error {
	switch {
	case a.Scenario == "":
		return errors.New("it names no scenario")
	case a.Index < 0:
		return fmt.Errorf("invalid index %d", a.Index)
	}
	return nil
}
