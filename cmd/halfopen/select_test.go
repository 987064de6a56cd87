package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

func scenarioFile(t *testing.T, dir, name, extra string) string {
	t.Helper()
	path := filepath.Join(dir, name+".yaml")
	text := "name: " + name + `
title: Nothing listens
hosts: {client: {}, server: {}}
actors:
  client:
    - connect: {to: "server:9"}
expect:
  - {step: client.connect, error: ECONNREFUSED}
` + extra
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func ids(runs []*language.Scenario) []string {
	var out []string
	for _, s := range runs {
		out = append(out, s.ID())
	}
	return out
}

func TestSelection(t *testing.T) {
	dir := t.TempDir()
	plain := scenarioFile(t, dir, "plain", "")
	elsewhere := t.TempDir()
	one := scenarioFile(t, elsewhere, "one", "ip: v4\ncases: [{n: 1}]\n")
	six := scenarioFile(t, elsewhere, "six", "ip: v6\n")
	cased := scenarioFile(t, dir, "cased", "ip: [v4, v6]\ntags: [\"${colour}\"]\ncases: [{n: 1, colour: red}, {n: 2, colour: red}, {n: 3, colour: blue}]\n")
	link := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.Symlink(plain, link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		sel  selection
		want []string
		err  string
	}{
		{name: "a file", sel: selection{args: []string{plain}}, want: []string{"plain"}},
		{name: "a directory, in the order of names", sel: selection{args: []string{dir}}, want: []string{
			"cased n=1 v4", "cased n=1 v6", "cased n=2 v4", "cased n=2 v6", "cased n=3 v4", "cased n=3 v6", "plain",
		}},
		{name: "a label", sel: selection{args: []string{cased}, cases: []string{"n=2"}}, want: []string{"cased n=2 v4", "cased n=2 v6"}},
		{name: "a parameter that is not the label", sel: selection{args: []string{cased}, cases: []string{"colour=blue"}}, want: []string{"cased n=3 v4", "cased n=3 v6"}},
		{name: "two cases", sel: selection{args: []string{cased}, cases: []string{"n=1", "n=3"}}, want: []string{"cased n=1 v4", "cased n=1 v6", "cased n=3 v4", "cased n=3 v6"}},
		{name: "a family", sel: selection{args: []string{cased}, cases: []string{"v6"}}, want: []string{"cased n=1 v6", "cased n=2 v6", "cased n=3 v6"}},
		{name: "a case and a family", sel: selection{args: []string{cased}, cases: []string{"n=2", "v6"}}, want: []string{"cased n=2 v6"}},
		{name: "a case and a family that never meet", sel: selection{args: []string{one, six}, cases: []string{"v6", "n=1"}}, err: "no case matches all of --case v6, n=1"},
		{name: "an unknown case", sel: selection{args: []string{cased}, cases: []string{"n=9"}}, err: `unknown case "n=9": want one of n=1, n=2, n=3`},
		{name: "an empty case is not a wildcard", sel: selection{args: []string{plain}, cases: []string{""}}, err: `unknown case ""`},
		{name: "a parameter of one of two scenarios", sel: selection{args: []string{cased, plain}, set: map[string]string{"n": "7"}, cases: []string{"n=7"}}, want: []string{
			"cased n=7 (n=1) v4", "cased n=7 (n=1) v6", "cased n=7 (n=3) v4", "cased n=7 (n=3) v6",
		}},
		{name: "a parameter of none", sel: selection{args: []string{cased, plain}, set: map[string]string{"m": "7"}}, err: "--set m: none of the 2 scenarios"},
		{name: "a file named twice", sel: selection{args: []string{one, dir, one, plain}}, want: []string{
			"one n=1", "cased n=1 v4", "cased n=1 v6", "cased n=2 v4", "cased n=2 v6", "cased n=3 v4", "cased n=3 v6", "plain",
		}},
		{name: "a file by two paths", sel: selection{args: []string{plain, dir + "/../" + filepath.Base(dir) + "/./plain.yaml", link}}, want: []string{"plain"}},
		{name: "a copy of a file", sel: selection{args: []string{plain, scenarioFile(t, t.TempDir(), "plain", "")}}, want: []string{"plain", "plain"}},
		{name: "a built-in scenario by its name and its folder", sel: selection{args: []string{"udp-refused", "datagram", "udp-refused"}, only: filter{grep: "^udp-refused\n"}, cases: []string{"unconnected"}}, want: []string{"udp-refused unconnected v4", "udp-refused unconnected v6"}},
		{name: "a wrong argument named twice", sel: selection{args: []string{dir + "/none.yaml", dir + "/none.yaml"}}, err: "none.yaml"},
		{name: "every wrong argument is named", sel: selection{args: []string{"nope-a", "nope-b"}}, err: "nope-b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.sel.resolve()
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				if statusOf(err) != statusUsage {
					t.Errorf("exit status %d, want %d", statusOf(err), statusUsage)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, ids(got)); d != "" {
				t.Errorf("runs (-want +got):\n%s", d)
			}
		})
	}
}

func TestBuiltinNamesAndFolders(t *testing.T) {
	files, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		got, err := find(f.Name)
		if err != nil || len(got) != 1 || got[0] != f {
			t.Errorf("find(%q) = %v, %v", f.Name, got, err)
		}
		folder, err := find(f.Folder)
		if err != nil || !slices.Contains(folder, f) {
			t.Errorf("find(%q) lacks %s, %v", f.Folder, f.Name, err)
		}
	}
}

// In a checkout, a built-in scenario has a name and a path.
func TestABuiltInScenarioByTwoNamesIsOne(t *testing.T) {
	const path = "../../scenarios/handshake/syn-lost-once.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "syn-lost-once.yaml")
	if err := os.WriteFile(changed, append(text, "# changed\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want int
	}{
		{"by name and path", []string{"syn-lost-once", path}, 1},
		{"by path and name", []string{path, "syn-lost-once"}, 1},
		{"by folder and path", []string{"handshake", path}, folderSize(t, "handshake")},
		{"a copy that was changed", []string{"syn-lost-once", changed}, 2},
		{"two files", []string{path, changed}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files, err := find(tt.args...)
			if err != nil || len(files) != tt.want {
				t.Errorf("%d files, %v, want %d", len(files), err, tt.want)
			}
		})
	}
}

// folderSize is the number of scenarios in a folder of the library.
func folderSize(t *testing.T, folder string) int {
	t.Helper()
	files, err := find(folder)
	if err != nil || len(files) < 2 {
		t.Fatalf("%d scenarios in %s, %v", len(files), folder, err)
	}
	return len(files)
}
