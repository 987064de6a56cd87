package assertions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notInGoldens are the codes of verdicts that no fixture of testdata has: other tests do.
var notInGoldens = []Code{
	FaultStruckNothing, SwitchedByHand, StepNotDone, StepEnded, WrongResult, ProgramNotReady, CannotJudge,
	Deadline, LabDied, LabHeld, RunCanceled, MachineLate, MachineFull,
}

func TestEveryCodeHasARowAndAVerdict(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, Code(text))
			}
		}
		return true
	})
	var rows []Code
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, row := range Codes {
		if !kebab.MatchString(string(row.Code)) || !strings.HasSuffix(row.Means, ".") {
			t.Errorf("%s: want words joined by -, and a sentence", row.Code)
		}
		rows = append(rows, row.Code)
	}
	if !slices.Equal(codes, rows) {
		t.Errorf("the constants are\n%q\nthe rows\n%q", codes, rows)
	}
	goldens, err := filepath.Glob(filepath.Join("testdata", "*.golden"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Code]bool{}
	verdict := regexp.MustCompile(`(?m)^(?:fail|skip|inconclusive) (\S+) `)
	for _, path := range goldens {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range verdict.FindAllStringSubmatch(string(text), -1) {
			seen[Code(m[1])] = true
		}
	}
	for _, c := range codes {
		if elsewhere := slices.Contains(notInGoldens, c); elsewhere == seen[c] {
			t.Errorf("%s: in a golden file is %t, in the list of those that are not is %t", c, seen[c], elsewhere)
		}
		delete(seen, c)
	}
	for c := range seen {
		t.Errorf("the goldens have %q, which is no code", c)
	}
}
