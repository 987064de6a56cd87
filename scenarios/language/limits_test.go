package language

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// soon is the CPU time within which a hostile file must be refused, even with the race detector: see
// spent.
const soon = 10 * time.Second

func TestHostileFilesAreRefusedQuickly(t *testing.T) {
	aliases := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		aliases += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	manyCases := skeleton + someExpectation + "actors: {client: [sleep: 1s]}\nparams: {p: x}\ncases:\n" + strings.Repeat("  - {n: 1}\n", MaxCases+1)
	wide := skeleton + someExpectation + "actors: {client: [sleep: 1s]}\ncases:\n"
	for i := range MaxCases {
		wide += fmt.Sprintf("  - {n: %d}\n", i)
	}
	wide += "tags: [" + strings.Repeat("a, ", 40_000) + "]\n"
	broken := skeleton + someExpectation + "actors: {client: [sleep: 1s]}\nparams:\n  no: [" +
		strings.Repeat(`"${x}", `, 5000) + "]\n  many: [" + strings.Repeat(`"${no}", `, 40_000) + "]\n"
	repeated := skeleton + someExpectation + "actors: {client: [sleep: 1s]}\nparams: {e: \"\"}\ncases: [{case: c, n: &a \"" +
		strings.Repeat("${e}", 50_000) + "\", m: [" + strings.Repeat("*a, ", 40_000) + "]}]\n"
	text := skeleton + "params: {p: " + strings.Repeat("x", 1000) + "}\nteaches: " + strings.Repeat("${p}", 10_000) + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"10 MB":                         {strings.Repeat("# ten bytes\n", 1<<20), "want at most 1 MiB"},
		"a billion laughs":              {aliases, "too many YAML nodes: want at most 100000"},
		"deep lists":                    {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "want at most 100 levels"},
		"deeper than the YAML parser":   {strings.Repeat("[", 20_000), "depth"},
		"too many cases":                {manyCases, "at most 1000"},
		"wide, in many cases":           {wide, "in all cases together"},
		"parameters that grow":          {text, "MiB of text"},
		"empty parameters without end":  {repeated, "MiB of text"},
		"parameters without a value":    {broken, "too many errors"},
		"hosts without end":             {skeleton[:strings.Index(skeleton, "hosts")] + "actors: {h0: [sleep: 1s]}\n" + someExpectation + "hosts:\n" + hosts(3000), "at most 64"},
		"unknown keys without end":      {unknownKeys(5000), "too many errors"},
		"one step many references":      {skeleton + someExpectation + "actors:\n  client:\n" + strings.Repeat("    - {sleep: 1s, after: clinet.x}\n", 10_000), "too many errors"},
		"a name of half a megabyte":     {"name: " + strings.Repeat("a-", 250_000) + "\n", "missing key"},
		"binary":                        {"\x00\x01\x02", "control characters"},
		"not UTF-8":                     {"name: \xff\xfe\xfa\n", "YAML"},
		"an anchor that is not there":   {"name: *nothing\n", "unknown anchor"},
		"an alias that contains itself": {"name: &a {x: *a}\n", "the alias stands for a value that contains it"},
	} {
		t.Run(name, func(t *testing.T) {
			before := spent(t)
			_, err := expandText(t, c.text, nil)
			if took := spent(t) - before; took > soon {
				t.Errorf("took %v of CPU time, want at most %v", took, soon)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v, want a message with %q", err, c.want)
			}
		})
	}
}

func hosts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  h%d:\n", i)
	}
	return b.String()
}

func unknownKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d: 1\n", i)
	}
	return b.String()
}

func TestLoadReadsNoMoreThanAScenarioMayBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(path, make([]byte, 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "want at most 1 MiB") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "nothing.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Each list of steps that runs at once has a thread. Lists that run one after the other share one.
func TestListsOfStepsAtOnceAreBounded(t *testing.T) {
	of := func(n int, steps string) string {
		return "{parallel: [" + strings.TrimSuffix(strings.Repeat("["+steps+"], ", n), ", ") + "]}"
	}
	for _, tt := range []struct {
		name, steps string
		want        int // 0 if they are accepted
	}{
		{"as many as may be", of(1999, "sleep: 1ms"), 0},
		{"one more", of(2000, "sleep: 1ms"), 2001},
		{"in three levels", of(12, of(13, of(13, "sleep: 1ms"))), 12*(13*14+1) + 1},
		{"in a list that is repeated", "{repeat: {times: 5, steps: [" + of(2001, "sleep: 1ms") + "]}}", 2002},
		{"one after the other", of(1200, "sleep: 1ms") + ", " + of(1200, "sleep: 1ms"), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := skeleton + someExpectation + "actors: {client: [sleep: 1ms, " + tt.steps + "]}\n"
			_, err := expandText(t, text, nil)
			want := fmt.Sprintf("actor client: %d lists of steps at once are too many: want at most 2000", tt.want)
			if tt.want == 0 && err != nil || tt.want > 0 && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("the error is %v, want %d lists", err, tt.want)
			}
		})
	}
}
