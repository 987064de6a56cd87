package code

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/spell"
)

func TestErrorfFindsNearAndRemedy(t *testing.T) {
	near := spell.Hint{Word: "drop", Text: ` (did you mean "drop"?)`}
	cause := Errorf(UnknownWord, "unknown action %q%s; want one", "dorp", near)
	for name, test := range map[string]struct{ got, want Problem }{
		"neither": {
			Errorf(MissingKey, "missing key %q", "do"),
			Problem{Code: MissingKey, Msg: `missing key "do"`},
		},
		"a remedy after a colon": {
			Errorf(OutOfRange, "invalid %s %d: want %d to %d", "ttl", 0, 1, 255),
			Problem{Code: OutOfRange, Msg: "invalid ttl 0: want 1 to 255", Remedy: "want 1 to 255"},
		},
		"a remedy after a semicolon": {
			Errorf(NoEffect, "the fault %s never strikes; give it a number", "lost"),
			Problem{Code: NoEffect, Msg: "the fault lost never strikes; give it a number", Remedy: "give it a number"},
		},
		"nothing but a remedy": {
			Errorf(WrongType, "want a list here"),
			Problem{Code: WrongType, Msg: "want a list here", Remedy: "want a list here"},
		},
		"a verb that is a part of a word": {
			Errorf(NoEffect, "it is: wanted, but not seen"),
			Problem{Code: NoEffect, Msg: "it is: wanted, but not seen"},
		},
		"arguments that look like remedies": {
			Errorf(InvalidName, "invalid name %q: remove %s", "a; b: want c", "it; or not"),
			Problem{Code: InvalidName, Msg: `invalid name "a; b: want c": remove it; or not`, Remedy: "remove it; or not"},
		},
		"arguments in another order, with a NUL": {
			Errorf(InvalidPort, "%[2]s of %[1]s: want %[1]s\x00%[2]s", "a\x00", "b"),
			Problem{Code: InvalidPort, Msg: "b of a\x00: want a\x00\x00b", Remedy: "want a\x00\x00b"},
		},
		"a hint": {
			Errorf(UnknownKey, "unknown key %q%s", "dorp", near),
			Problem{Code: UnknownKey, Msg: `unknown key "dorp" (did you mean "drop"?)`, Near: "drop"},
		},
		"a hint after the remedy": {
			Errorf(UnknownWord, "invalid value %q: want %s%s", "dorp", "drop or delay", near),
			Problem{
				Code: UnknownWord, Msg: `invalid value "dorp": want drop or delay (did you mean "drop"?)`,
				Near: "drop", Remedy: "want drop or delay",
			},
		},
		"an argument that says what to do": {
			Errorf(InvalidPort, "invalid port %q: %s", "x", Advice("a number is better")),
			Problem{Code: InvalidPort, Msg: `invalid port "x": a number is better`, Remedy: "a number is better"},
		},
		"a cause": {
			Errorf(InvalidValue, "lost: %v", fmt.Errorf("it: %w", cause)),
			Problem{
				Code: UnknownWord, Msg: `lost: it: unknown action "dorp" (did you mean "drop"?); want one`,
				Near: "drop", Remedy: "want one",
			},
		},
		"another error": {
			Errorf(InvalidValue, "lost: %v", errors.New("it; is")),
			Problem{Code: InvalidValue, Msg: "lost: it; is"},
		},
		"the problem of an error": {
			Of(fmt.Errorf("reading: %w", cause), UnreadableFile),
			Problem{
				Code: UnknownWord, Msg: `reading: unknown action "dorp" (did you mean "drop"?); want one`,
				Near: "drop", Remedy: "want one",
			},
		},
		"an error without a problem": {
			Of(errors.New("gone"), UnreadableFile),
			Problem{Code: UnreadableFile, Msg: "gone"},
		},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEveryCodeHasARow(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[Code]bool{} // whether it has a row
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes[Code(text)] = false
			}
		}
		return true
	})
	if len(codes) < 50 {
		t.Fatalf("only %d codes were read", len(codes))
	}
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, row := range Findings {
		rowed, known := codes[row.Code]
		switch {
		case !known:
			t.Errorf("the code %s of a row is not a constant", row.Code)
		case rowed:
			t.Errorf("%s has two rows", row.Code)
		case !kebab.MatchString(string(row.Code)):
			t.Errorf("%s: want words joined by -", row.Code)
		case !strings.HasSuffix(row.Means, ".") || row.Example == "":
			t.Errorf("%s: want a sentence, and an example", row.Code)
		}
		codes[row.Code] = true
		if got := SeverityOf(row.Code); got != row.Severity {
			t.Errorf("%s has the severity %s, its row %s", row.Code, got, row.Severity)
		}
	}
	for c, rowed := range codes {
		if !rowed {
			t.Errorf("%s has no row in Findings", c)
		}
	}
}
