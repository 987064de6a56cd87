package report

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/inject"
	"halfopen/internal/code"
	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// wrongKey is what a wrong file says.
var wrongKey = &language.Error{
	Pos: language.Pos{File: "x.yaml", Line: 1, Col: 1}, Problem: code.Errorf(code.UnknownKey, "unknown key %q", "hots"),
}

func TestFindingsAreWhatAnErrorSays(t *testing.T) {
	pos := language.Pos{File: "x.yaml", Line: 3, Col: 7}
	mistake := &language.Error{
		Pos: pos,
		Problem: code.Errorf(code.UnknownWord, "unknown action %q%s; want one", "dorp",
			spell.DidYouMean("dorp", []string{"drop"})),
	}
	missing := &inject.MissingError{Feature: "sysctl net.x", OfKernel: true, Remedy: "load it"}
	misspelt := &inject.MissingError{Feature: "sysctl net.x", OfKernel: true, Remedy: "did you mean net.y?", Near: "net.y"}
	refused := &inject.RefusedError{Text: `invalid value "a; b" of net.x: the kernel refuses it (EINVAL); see its manual`}
	for name, test := range map[string]struct {
		err  error
		want []Finding
	}{
		"nothing": {nil, nil},
		"a mistake": {mistake, []Finding{{
			Code: code.UnknownWord, Severity: code.Error, File: "x.yaml", Line: 3, Column: 7,
			Message: `unknown action "dorp" (did you mean "drop"?); want one`, Near: "drop", Remedy: "want one",
		}}},
		"several, joined twice": {
			errors.Join(wrongKey, errors.Join(wrongKey, errors.New("gone"))),
			[]Finding{Note(wrongKey), Note(wrongKey), {Code: code.UnreadableFile, Severity: code.Error, Message: "gone"}},
		},
		"an error with two causes and a text of its own": {
			fmt.Errorf("both %w and %w", errors.New("a"), errors.New("b")),
			[]Finding{{Code: code.UnreadableFile, Severity: code.Error, Message: "both a and b"}},
		},
		"a file that cannot be opened": {
			fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "y.yaml", Err: fs.ErrPermission}),
			[]Finding{{
				Code: code.UnreadableFile, Severity: code.Error, File: "y.yaml",
				Message: "reading: open y.yaml: permission denied",
			}},
		},
		"a lack of this machine": {
			&language.PlacedError{Pos: pos, Err: missing},
			[]Finding{{
				Code: code.MissingCapability, Severity: code.Missing, File: "x.yaml", Line: 3, Column: 7,
				Message: "sysctl net.x is not in this kernel; load it", Remedy: "load it",
			}},
		},
		"a name that may be misspelt": {misspelt, []Finding{{
			Code: code.MissingCapability, Severity: code.Missing,
			Message: "sysctl net.x is not in this kernel; did you mean net.y?", Near: "net.y",
		}}},
		"a value that the kernel refuses": {
			&language.PlacedError{Pos: pos, Err: refused},
			[]Finding{{
				Code: code.RefusedValue, Severity: code.Error, File: "x.yaml", Line: 3, Column: 7,
				Message: refused.Text, Remedy: "see its manual",
			}},
		},
	} {
		got := Findings(test.err)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for i := range got {
			if text := got[i].String(); test.err.Error() != text && len(got) == 1 && got[i].Line > 0 {
				t.Errorf("%s: printed as %q, want %q", name, text, test.err)
			}
		}
	}
}
