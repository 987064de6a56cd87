package language

import (
	"cmp"
	"errors"
	"slices"

	"halfopen/internal/code"
	"halfopen/internal/decode"
)

// Error is one mistake in a scenario file. [Load], [Parse] and [File.Expand] return all mistakes of
// a file, joined by errors.Join and sorted by position.
type Error struct {
	Pos Pos
	Problem
}

// Problem is what is wrong: Code is its kind and Msg the message, Near the word that may have been
// meant, and Remedy what to do, if the message says so.
type Problem = code.Problem

// Error returns "file:line:col: message".
func (e *Error) Error() string {
	if e.Pos.Line == 0 {
		if e.Pos.File == "" {
			return e.Msg
		}
		return e.Pos.File + ": " + e.Msg
	}
	return e.Pos.String() + ": " + e.Msg
}

// PlacedError is an error about a place of a file that the file alone does not show, such as a value
// that the running kernel refuses.
type PlacedError struct {
	Pos Pos
	Err error
}

// Error returns "file:line:col: message".
func (e *PlacedError) Error() string { return e.Pos.String() + ": " + e.Err.Error() }

// Unwrap returns the error without its place.
func (e *PlacedError) Unwrap() error { return e.Err }

// maxErrors bounds the number of errors reported for one file, which may not be a scenario at all.
const maxErrors = decode.MaxMistakes

// joinErrors sorts errors by position, drops duplicates (each case of a file finds the same
// mistakes) and joins the rest. It returns nil if there are no errors.
func joinErrors(errs []*Error) error {
	if len(errs) == 0 {
		return nil
	}
	errs = sortErrors(errs)
	joined := make([]error, 0, len(errs))
	for i, e := range errs {
		if i == maxErrors {
			joined = append(joined, &Error{
				Pos{File: e.Pos.File},
				Problem{Code: code.TooManyErrors, Msg: "too many errors; the rest is left out"},
			})
			break
		}
		joined = append(joined, e)
	}
	return errors.Join(joined...)
}

// sortErrors sorts errors by position, and drops duplicates.
func sortErrors(errs []*Error) []*Error {
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Msg, b.Msg))
	})
	return slices.CompactFunc(errs, func(a, b *Error) bool { return *a == *b })
}
