package language

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"halfopen/internal/code"
	"halfopen/internal/testlab"
)

// problemsOf returns the mistakes that an error joins.
func problemsOf(t *testing.T, err error) []*Error {
	t.Helper()
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, problemsOf(t, e)...)
		}
		return all
	}
	mistake, ok := err.(*Error)
	if !ok {
		t.Fatalf("%v is a %T, without a code", err, err)
	}
	return []*Error{mistake}
}

// elsewhere are the codes that no file of testdata/invalid shows: their examples come from what other
// packages find, or from notes.
var elsewhere = []code.Code{
	code.UnknownScenario, code.UnreadableFile, code.TooManyErrors, code.InvalidRate,
	code.WrongMechanism, code.CannotPlan, code.RefusedValue, code.UnusedParameter, code.OtherFileName,
	code.EarlyConnect, code.UnknownDropReason, code.UnknownCounter, code.UnknownSysctl,
	code.MissingCapability,
}

func TestMistakesHaveStableCodes(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "invalid", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	messages := map[code.Code][]string{}
	for _, path := range paths {
		for _, e := range problemsOf(t, invalid(t, path)) {
			line := fmt.Sprintf("%s %s", e.Pos, e.Code)
			if e.Near != "" {
				line += fmt.Sprintf(" near %q", e.Near)
			}
			if e.Remedy != "" {
				line += fmt.Sprintf(" remedy %q", e.Remedy)
			}
			if !strings.HasSuffix(e.Msg, e.Remedy) && !strings.Contains(e.Msg, e.Remedy+" (did you mean") {
				t.Errorf("%v: the remedy %q is not the end of the message", e, e.Remedy)
			}
			lines = append(lines, line)
			messages[e.Code] = append(messages[e.Code], e.Msg)
		}
	}
	testlab.Golden(t, filepath.Join("testdata", "invalid.codes"), strings.Join(lines, "\n")+"\n")
	for _, row := range code.Findings {
		switch seen := messages[row.Code]; {
		case slices.Contains(elsewhere, row.Code):
			if seen != nil {
				t.Errorf("%s is shown by testdata/invalid: take it from the list", row.Code)
			}
		case !slices.Contains(seen, row.Example):
			t.Errorf("%s: no invalid file has the message of its example, %q", row.Code, row.Example)
		}
		delete(messages, row.Code)
	}
	for c, seen := range messages {
		t.Errorf("the code %q of %q has no row", c, seen[0])
	}
}

// TestProblemsAreMadeWithACode finds problems that are written without the constructor and a code.
func TestProblemsAreMadeWithACode(t *testing.T) {
	made := 0
	for _, dir := range []string{".", "../../internal/decode", "../../internal/expr", "../../inject/fault", "../../harness/suite", "../../cmd/halfopen"} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"errorf", "Errorf", "ErrorAt"}, f.Sel.Name) {
						made++
						if c, ok := n.Args[0].(*ast.BasicLit); ok && isPackage(f.X, "code") {
							t.Errorf("%s: the code %s is not a constant of package code", fset.Position(n.Pos()), c.Value)
						}
					}
				case *ast.CompositeLit:
					name := n.Type
					if s, ok := name.(*ast.SelectorExpr); ok {
						name = s.Sel
					}
					if id, ok := name.(*ast.Ident); ok && id.Name == "Problem" && !hasKey(n, "Code") {
						t.Errorf("%s: a problem without a code", fset.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
	if made < 300 {
		t.Errorf("only %d places that make mistakes were found", made)
	}
}

func isPackage(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}

func hasKey(lit *ast.CompositeLit, key string) bool {
	return slices.ContainsFunc(lit.Elts, func(e ast.Expr) bool {
		kv, ok := e.(*ast.KeyValueExpr)
		return ok && isPackage(kv.Key, key)
	})
}
