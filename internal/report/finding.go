package report

import (
	"errors"
	"io/fs"
	"strings"

	"halfopen/inject"
	"halfopen/internal/code"
	"halfopen/scenarios/language"
)

// Finding is what is wrong with a scenario, or may be, for programs. docs/codes.md lists the codes.
type Finding struct {
	Code     code.Code     `json:"code"`
	Severity code.Severity `json:"severity"`
	// Line and Column count from 1. They are 0, and File is empty, if no place is known.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Message is what is printed after the place.
	Message string `json:"message"`
	// Near is the word that may have been meant, Remedy what to do, both as in the message.
	Near   string `json:"near,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// String returns "file:line:column: message", as it is printed, or what is known of that.
func (f *Finding) String() string {
	e := language.Error{
		Pos: language.Pos{File: f.File, Line: f.Line, Col: f.Column}, Problem: language.Problem{Code: f.Code, Msg: f.Message},
	}
	return e.Error()
}

// Findings returns what an error says, a finding for each of the errors that it joins.
func Findings(err error) []Finding {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts := joined.Unwrap()
		if errors.Join(parts...).Error() == err.Error() { // it has no text of its own
			var all []Finding
			for _, part := range parts {
				all = append(all, Findings(part)...)
			}
			return all
		}
	}
	return []Finding{findingOf(err)}
}

// Note returns the finding of a mistake of the language, or of a note.
func Note(e *language.Error) Finding { return at(e.Pos, e.Problem) }

func at(pos language.Pos, p code.Problem) Finding {
	return Finding{
		Code: p.Code, Severity: code.SeverityOf(p.Code), Message: p.Msg, Near: p.Near, Remedy: p.Remedy,
		File: pos.File, Line: pos.Line, Column: pos.Col,
	}
}

func findingOf(err error) Finding {
	var mistake *language.Error
	if errors.As(err, &mistake) {
		return at(mistake.Pos, mistake.Problem)
	}
	var pos language.Pos
	var placed *language.PlacedError
	if errors.As(err, &placed) {
		pos, err = placed.Pos, placed.Err
	}
	var opening *fs.PathError
	var missing *inject.MissingError
	var refused *inject.RefusedError
	p := code.Of(err, code.UnreadableFile)
	switch {
	case errors.As(err, &opening) && pos.File == "":
		pos.File = opening.Path
	case errors.As(err, &missing):
		p.Code, p.Near = code.MissingCapability, missing.Near
		if p.Near == "" { // else it only asks whether that is meant
			p.Remedy = missing.Remedy
		}
	case errors.As(err, &refused):
		p.Code = code.RefusedValue
		p.Remedy = refused.Text[strings.LastIndex(refused.Text, "; ")+1:]
		p.Remedy = strings.TrimPrefix(p.Remedy, " ")
	}
	return at(pos, p)
}
