package language

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/internal/decode"
)

// config writes a file of defaults and reads it.
func config(t *testing.T, text string) (*Config, string, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, ConfigName)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.TempDir(), filepath.Join(dir, "away")); err != nil {
		t.Skip(err)
	}
	c, err := LoadConfig(path)
	return c, dir, err
}

func TestDefaultsOfAFile(t *testing.T) {
	c, dir, err := config(t, `
# Comments are allowed.
seed: 18446744073709551615
jobs: 4
kernel: [running, 6.10]
tag: smoke
report: [junit=out/junit.xml, github]
out: out
max-time: 90s
fail-fast: true
quiet: false
`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range c.Defaults() {
		for i, value := range d.Values {
			got = append(got, fmt.Sprintf("%d:%d %s %s", d.Places[i].Line, d.Places[i].Col, d.Flag,
				strings.ReplaceAll(value, dir+string(filepath.Separator), "DIR/")))
		}
	}
	want := []string{
		"4:7 jobs 4", "3:7 seed 18446744073709551615", "5:10 kernel running", "5:19 kernel 6.10", "6:6 tag smoke",
		"7:10 report junit=DIR/" + filepath.FromSlash("out/junit.xml"), "7:31 report github", "8:6 out DIR/out",
		"11:8 quiet false", "10:12 fail-fast true", "9:11 max-time 1m30s",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestFilesOfDefaultsThatAreWrong(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", ": the file is empty: want a mapping of defaults"},
		{"a list", "- jobs", ":1:1: want a mapping here, with the keys jobs, repeat, "},
		{"two documents", "jobs: 1\n---\njobs: 2\n", ":2:1: a second YAML document starts here; a file holds one mapping of defaults"},
		{"not YAML", "jobs: [1\n", ":2:1: YAML: "},
		{"too long", "jobs: 1 #" + strings.Repeat("x", MaxFileSize), ": the file is too long"},
		{"an alias", "jobs: &j 1\nrepeat: *j\n", ":2:9: aliases are not supported here; write the value out"},
		{"a misspelt key", "kernels: 6.1\n", `:1:1: unknown key "kernels" (did you mean "kernel"?)`},
		{"a flag that opens the machine", "writable: [/]\n", `:1:1: unknown key "writable"`},
		{"a key twice", "jobs: 1\njobs: 2\n", `:2:1: duplicate key "jobs": keep one of them`},
		{"no value", "jobs:\n", ":1:6: missing value: want a single value here"},
		{"a number that is too small", "jobs: 0\n", `:1:7: invalid number "0": want 1 or more`},
		{"a number that is too large", "repeat: 99999999999\n", `:1:9: invalid number "99999999999": want 1 or more`},
		{"a negative seed", "seed: -1\n", `:1:7: invalid seed "-1": want a whole number of 64 bits, 0 or more`},
		{"a time without a unit", "max-time: 10\n", `:1:11: "10" has no unit: write 10s or 10ms`},
		{"no time at all", "max-time: 0s\n", `:1:11: invalid duration "0s": want more than 0`},
		{"not a boolean", "warp: 1\n", `:1:7: want true or false, not "1"`},
		{"a kernel by its path", "kernel: /boot/vmlinuz\n", `:1:9: invalid kernel "/boot/vmlinuz": want a version`},
		{"a report without a path", "report: [\"json=\"]\n", `:1:10: invalid report "json=": want FORMAT=PATH`},
		{"an absolute path", "out: /etc\n", `:1:6: out: invalid path "/etc": want one below the folder of this file`},
		{"a path upwards", "report: json=a/../../b\n", `:1:9: report: invalid path "a/../../b": want one below`},
		{"the folder itself", "out: a/..\n", `:1:6: out: invalid path "a/..": want one below`},
		{"an empty path", "out: \"\"\n", `:1:6: out: invalid path "": want one below`},
		{"a path through a link", "report: json=away/b\n", `:1:9: report: "away" is a symbolic link; want a path without one`},
		{"the file itself", "report: json=./halfopen.yaml\n", `:1:9: report: "./halfopen.yaml" is this file; want another`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, err := config(t, tt.text)
			if c != nil || err == nil || !strings.Contains(err.Error(), ConfigName+tt.want) {
				t.Errorf("got %v, %v; want %q", c, err, tt.want)
			}
		})
	}
	if _, err := LoadConfig(t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "reading the defaults: ") {
		t.Errorf("a directory: %v", err)
	}
}

func TestTheSchemaOfDefaultsHasEveryKey(t *testing.T) {
	text, err := ConfigSchema()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct{ Description string }
		Additional any `json:"additionalProperties"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var got []string
	for key, p := range schema.Properties {
		if got = append(got, key); !strings.HasSuffix(p.Description, ".") {
			t.Errorf("the description of %s is %q", key, p.Description)
		}
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(decode.Keys(reflect.TypeFor[Config]())))
	if d := cmp.Diff(want, got); d != "" || schema.Additional != false {
		t.Errorf("additional %v, keys (-want +got):\n%s", schema.Additional, d)
	}
}
