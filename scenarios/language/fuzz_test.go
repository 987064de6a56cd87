package language

import (
	"bufio"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gopkg.in/yaml.v3"
)

// maxFuzzed bounds the length of inputs of FuzzParse in bytes. The fuzzer minimizes each input that
// takes a new path through the code, in a number of tries that grows with the square of its length:
// an input of 7 kB would keep its worker busy for the full minute that the fuzzer allows.
const maxFuzzed = 768

// FuzzParse reads small files; TestHostileFilesAreRefusedQuickly reads large ones.
func FuzzParse(f *testing.F) {
	for _, src := range fuzzSeeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > maxFuzzed {
			return
		}
		file, err := Parse("fuzz.yaml", src)
		if err != nil {
			haveCodes(t, err)
			return
		}
		all, err := file.Expand(nil)
		if err != nil {
			haveCodes(t, err)
			return
		}
		for _, s := range all {
			if s.DeadlineOrDefault() <= 0 {
				t.Errorf("%s: deadline %v", s.ID(), s.DeadlineOrDefault())
			}
		}
	})
}

// haveCodes checks that each mistake of a file has a code.
func haveCodes(t *testing.T, err error) {
	t.Helper()
	for _, e := range problemsOf(t, err) {
		if e.Code == "" {
			t.Errorf("%v has no code", e)
		}
	}
}

// fuzzSeeds returns small files: the invalid ones, those that the fuzzer has found, and one for
// each fault, step and expectation of the large file that uses every key.
func fuzzSeeds(f *testing.F) [][]byte {
	f.Helper()
	read := func(path string) []byte {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		return src
	}
	var seeds [][]byte
	paths, err := filepath.Glob("testdata/invalid/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		seeds = append(seeds, read(path))
	}
	lines := bufio.NewScanner(bytes.NewReader(read("testdata/fuzz-found.txt")))
	for lines.Scan() {
		found, err := strconv.Unquote(lines.Text())
		if err != nil {
			f.Fatalf("%v: %s", err, lines.Text())
		}
		seeds = append(seeds, []byte(found))
	}
	pieces := piecesOf(f, read("testdata/valid/everything.yaml"))
	if len(pieces) < 90 {
		f.Fatalf("only %d pieces of the file with every key", len(pieces))
	}
	for _, seed := range append(seeds, pieces...) {
		if len(seed) > maxFuzzed {
			f.Errorf("a seed of %d bytes is longer than those that are fuzzed: %.60q", len(seed), seed)
		}
	}
	return append(seeds, pieces...)
}

// piecesOf returns a file for each fault, step and expectation of a file.
func piecesOf(f *testing.F, src []byte) [][]byte {
	f.Helper()
	var file struct {
		Faults map[string]yaml.Node
		Actors struct{ Client, Server []yaml.Node }
		Expect []yaml.Node
	}
	if err := yaml.Unmarshal(src, &file); err != nil {
		f.Fatal(err)
	}
	const head = "name: piece\ntitle: a piece\nhosts: {client: , server: }\n"
	connect := map[string]string{"connect": "server:8080"}
	connected := map[string]string{"step": "client.connect"}
	var pieces [][]byte
	piece := func(faults, expect any, steps ...any) {
		rest, err := yaml.Marshal(map[string]any{
			"faults": faults,
			"actors": map[string]any{"server": []any{map[string]int{"listen": 8080}}, "client": steps},
			"expect": []any{expect},
		})
		if err != nil {
			f.Fatal(err)
		}
		pieces = append(pieces, append([]byte(head), rest...))
	}
	for _, name := range slices.Sorted(maps.Keys(file.Faults)) {
		fault := file.Faults[name]
		piece(map[string]any{name: &fault}, connected, connect)
	}
	for _, step := range slices.Concat(file.Actors.Client, file.Actors.Server) {
		piece(map[string]any{}, connected, connect, &step)
	}
	for _, expect := range file.Expect {
		piece(map[string]any{}, &expect, connect)
	}
	return pieces
}
