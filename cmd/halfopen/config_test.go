package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/spf13/pflag"

	"halfopen/internal/decode"
	"halfopen/scenarios/language"
)

// notDefaults are the flags of run that halfopen.yaml cannot set, and why.
var notDefaults = map[string]string{
	"case": "it is about some scenarios", "set": "it is about some scenarios", "grep": "it is for one command",
	"control": "it asks another question", "until-fail": "it asks another question",
	"hold": "it needs a person", "logs": "it is for one command",
	"writable": "it opens the machine", "no-tracepoints": "it is about the machine",
	"no-config": "it is about the file", "rerun-failed": "it is about a stored suite", "shard": "each machine has another",
	"help": "it is for people",
}

// Every key of halfopen.yaml is a flag of run, and every other flag has a reason.
func TestDefaultsAreFlagsOfRun(t *testing.T) {
	flags := newRun().Flags()
	keys := map[string]bool{}
	for _, key := range decode.Keys(reflect.TypeFor[language.Config]()) {
		if keys[key] = true; flags.Lookup(key) == nil {
			t.Errorf("run has no flag --%s", key)
		}
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if keys[f.Name] == (notDefaults[f.Name] != "") {
			t.Errorf("--%s: a key %v, and not one because %q", f.Name, keys[f.Name], notDefaults[f.Name])
		}
	})
}

func TestTheNearestFileOfDefaults(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	for _, dir := range []string{"a/b/c", "a/repo/.git", "a/repo/d", "a/own/e", "a/dir/halfopen.yaml", "a/tmp/f"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"a/halfopen.yaml", "a/own/halfopen.yaml", "a/tmp/halfopen.yaml"} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod("a/tmp", 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("b", "a/link"); err != nil {
		t.Skip(err)
	}
	seen := map[string]string{}
	for _, tt := range []struct{ name, dir, want string }{
		{"in the folder", "a", "a/halfopen.yaml"},
		{"above it", "a/b/c", "a/halfopen.yaml"},
		{"in a nearer one", "a/own/e", "a/own/halfopen.yaml"},
		{"above a repository", "a/repo/d", ""},
		{"by a link", "a/link/c", "a/halfopen.yaml"},
		{"above a directory of that name", "a/dir", "a/halfopen.yaml"},
		{"in a folder where everybody may make files", "a/tmp/f", ""},
		{"nowhere", ".", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time, the answer is known
				got, err := findConfig(tt.dir, seen)
				if err != nil || filepath.ToSlash(got) != tt.want {
					t.Errorf("got %q, %v, want %q", got, err, tt.want)
				}
			}
		})
	}
}
