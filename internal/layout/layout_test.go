package layout

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// modulePath returns the path of the module, from go.mod at its root.
func modulePath(t *testing.T, root string) string {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(mod), "\n")
	path, ok := strings.CutPrefix(line, "module ")
	if !ok {
		t.Fatalf("go.mod begins with %q", line)
	}
	return path
}

// rule says which packages of the module a package may import. With below, it holds for the
// packages below that package as well.
type rule struct {
	pkg   string
	below bool
	// only lists all packages of the module that it may import. It is not used where never is set.
	only []string
	// never lists the packages that it must not import, with all packages below them. It may import
	// all others.
	never []string
	why   string
}

// rules are the rules of the design: the data flows one way, and the trace is the hinge.
var rules = []rule{
	{pkg: "scenarios/language", below: true, only: []string{"internal/code", "internal/decode", "internal/expr", "internal/pattern", "internal/plainfile", "internal/say", "internal/spell", "internal/sysctl"}, why: "the language must not know its users"},
	{pkg: "scenarios", only: []string{"scenarios/language", "internal/code", "internal/say", "internal/spell"}, why: "the library has only files in the language, and finds them"},
	{pkg: "internal/decode", only: []string{"internal/code", "internal/say", "internal/spell"}, why: "YAML is decoded without knowing the language"},
	{pkg: "internal/expr", only: []string{"internal/code", "internal/pattern", "internal/say", "internal/spell"}, why: "an expression is computed without knowing its purpose"},
	{pkg: "internal/pattern", only: []string{}, why: "every package must be able to match a text"},
	{pkg: "internal/say", only: []string{}, why: "every package must be able to use the words for messages"},
	{pkg: "internal/wholefile", only: []string{}, why: "every package must be able to write a file"},
	{pkg: "internal/plainfile", only: []string{}, why: "every package must be able to open a file"},
	{pkg: "internal/code", only: []string{"internal/pattern", "internal/spell"}, why: "every package that finds mistakes gives them codes"},
	{pkg: "internal/spell", only: []string{}, why: "every package must be able to use the words for messages"},
	{pkg: "internal/sysctl", only: []string{"internal/spell"}, why: "a list for the language and for the network"},
	{pkg: "internal/mmsg", only: []string{}, why: "it is about a system call, not about this project"},
	{pkg: "harness/internal/nameserver", only: []string{}, why: "it is about the DNS, not about this project"},
	{pkg: "internal/hand", only: []string{"internal/say", "internal/spell"}, why: "labs are found and entered without knowing what is in them"},
	{pkg: "internal/monitor", only: []string{}, why: "it is about Go's runtime, not about this project"},
	{pkg: "internal/codec", only: []string{}, why: "it is about Go values, not about this project"},
	{pkg: "internal/outbox", only: []string{"internal/codec"}, why: "every process writes to its pipes the same way"},
	{pkg: "internal/version", only: []string{}, why: "every package must be able to say its version"},
	{pkg: "internal/program", only: []string{"internal/say"}, why: "programs are run without knowing what for"},
	{pkg: "internal/iptables", only: []string{"internal/say"}, why: "rules are put in force without knowing what for"},
	{pkg: "internal/kernel", only: []string{"inject", "internal/iptables"}, why: "the kernel is probed without knowing what for"},
	{pkg: "inject", only: []string{}, why: "every package must be able to say what this machine lacks"},
	{pkg: "internal/packet", only: []string{}, why: "every package reads a packet the same way"},
	{pkg: "harness/internal/tracepoint", only: []string{"inject", "internal/wholefile"}, why: "what the kernel shows must be readable without a run"},
	{pkg: "harness/internal/strace", only: []string{"harness/internal/tracepoint"}, why: "what strace prints must be readable without a run"},
	{pkg: "harness/trace", only: []string{"internal/packet"}, why: "the evidence must be readable without the lab"},
	{pkg: "internal/callwords", only: []string{"harness/trace", "internal/say"}, why: "reports and verdicts say a call the same way"},
	{pkg: "internal/proof", only: []string{"scenarios/language", "harness/trace", "internal/packet", "internal/pattern"}, why: "what a trace proves does not depend on what was expected"},
	{pkg: "assertions", below: true, only: []string{"scenarios/language", "internal/say", "internal/spell", "harness/trace", "internal/packet", "internal/selector", "internal/proof", "internal/callwords"}, why: "verdicts are pure functions of scenario and trace"},
	{pkg: "harness/suite/result", only: []string{"scenarios/language", "harness/trace", "assertions", "inject", "internal/plainfile", "internal/say"}, why: "results must be readable without the lab that made them"},
	{pkg: "internal/report", below: true, only: []string{"scenarios/language", "inject", "internal/code", "internal/say", "internal/spell", "harness/trace", "internal/packet", "internal/selector", "internal/proof", "internal/callwords", "assertions", "harness/suite/result", "internal/report"}, why: "reports are pure functions of results: scenario, trace and verdicts"},
	{pkg: "internal/ci", only: []string{"harness/suite/result"}, why: "the CI system is read without knowing what is run"},
	{pkg: "internal/selector", only: []string{"scenarios/language", "internal/packet"}, why: "a selector means the same packets to a fault and to an expectation"},
	{pkg: "inject", below: true, never: []string{"harness"}, why: "faults are usable without the harness"},
}

// forTests is the package that only test files may import. Their imports are not checked.
const forTests = "internal/testlab"

// violation returns the reason why pkg must not import imported, or "" if it may. Both are without
// the module's name.
func violation(pkg, imported string) string {
	if within(imported, forTests, true) && !within(pkg, forTests, true) {
		return "only tests may use it"
	}
	for _, r := range rules {
		if !within(pkg, r.pkg, r.below) {
			continue
		}
		allowed := r.never != nil || slices.ContainsFunc(r.only, func(p string) bool { return within(imported, p, p == r.pkg) })
		if slices.ContainsFunc(r.never, func(p string) bool { return within(imported, p, true) }) {
			allowed = false
		}
		if !allowed {
			return r.why
		}
	}
	return ""
}

func within(pkg, root string, below bool) bool {
	return pkg == root || below && strings.HasPrefix(pkg, root+"/")
}

// TestImports checks the imports of the module's files, except for tests: a fixture may need more
// than the code it tests.
func TestImports(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	module := modulePath(t, root)
	read := map[string]int{}
	imports := map[string][]string{}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		pkg := path.Dir(rel)
		read[pkg]++
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if inner, ok := strings.CutPrefix(imported, module+"/"); ok {
				imports[pkg] = append(imports[pkg], inner)
				if why := violation(pkg, inner); why != "" {
					t.Errorf("%s imports %s: %s", rel, imported, why)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// A package must not reach through others what it must never import.
	for pkg := range imports {
		for _, r := range rules {
			if !within(pkg, r.pkg, r.below) {
				continue
			}
			for reached, way := range reach(imports, pkg) {
				if slices.ContainsFunc(r.never, func(p string) bool { return within(reached, p, true) }) {
					t.Errorf("%s: %s", strings.Join(way, " imports "), r.why)
				}
			}
		}
	}
	for _, r := range rules {
		there := false
		for pkg := range read {
			there = there || within(pkg, r.pkg, r.below)
		}
		if !there {
			t.Errorf("no file of %s was read: the rule for it proves nothing", r.pkg)
		}
	}
}

// reach returns what a package imports, directly or not, each with the way to it.
func reach(imports map[string][]string, pkg string) map[string][]string {
	ways := map[string][]string{}
	queue := [][]string{{pkg}}
	for len(queue) > 0 {
		way := queue[0]
		queue = queue[1:]
		for _, next := range imports[way[len(way)-1]] {
			if ways[next] == nil {
				ways[next] = append(slices.Clone(way), next)
				queue = append(queue, ways[next])
			}
		}
	}
	return ways
}

func TestReach(t *testing.T) {
	imports := map[string][]string{"a": {"b", "c"}, "b": {"d"}, "d": {"a"}, "e": {"a"}}
	got := reach(imports, "a")
	want := map[string][]string{"b": {"a", "b"}, "c": {"a", "c"}, "d": {"a", "b", "d"}, "a": {"a", "b", "d", "a"}}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestViolation(t *testing.T) {
	for name, test := range map[string]struct {
		pkg, imported string
		refused       bool
	}{
		"assertions may read the trace":           {"assertions", "harness/trace", false},
		"assertions must not run labs":            {"assertions", "harness", true},
		"assertions must not report":              {"assertions", "internal/report", true},
		"the language does not know the kernel":   {"scenarios/language", "internal/kernel", true},
		"the decoder does not know the language":  {"internal/decode", "scenarios/language", true},
		"expressions do not know the language":    {"internal/expr", "scenarios/language", true},
		"the trace does not know the language":    {"harness/trace", "scenarios/language", true},
		"faults decode packets as the trace does": {"inject/fault", "internal/packet", false},
		"faults must not write a trace":           {"inject/fault", "harness/trace", true},
		"faults must not use the harness":         {"inject/fault", "harness/internal/observe", true},
		"faults may read scenarios":               {"inject/fault", "scenarios/language", false},
		"a report may use its own parts":          {"internal/report", "internal/report/ladder", false},
		"a report must not use the observers":     {"internal/report", "harness/internal/observe", true},
		"test helpers are only for tests":         {"harness", "internal/testlab", true},
		"a report may read results":               {"internal/report", "harness/suite/result", false},
		"a report must not run suites":            {"internal/report", "harness/suite", true},
		"results must not run suites":             {"harness/suite/result", "harness/suite", true},
		"results must not know reports":           {"harness/suite/result", "internal/report", true},
		"suites may write reports":                {"harness/suite", "internal/report", false},
		"the harness may import anything":         {"harness", "inject/fault", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := violation(test.pkg, test.imported); (got != "") != test.refused {
				t.Errorf("%s imports %s: %q", test.pkg, test.imported, got)
			}
		})
	}
}
