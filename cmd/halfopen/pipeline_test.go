package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A pipeline takes no commands from what a program prints.
func TestNoCommandOfAProgramGetsIntoTheLog(t *testing.T) {
	for _, tt := range []struct {
		name  string
		texts []string
		want  string
	}{
		{"plain text", []string{"FAIL  a::b ## [c] #[d]\n", "x\n"}, "FAIL  a::b ## [c] #[d]\nx\n"},
		{"at the beginning of a line", []string{"a\n::stop-commands::x\n"}, "a\n: :stop-commands::x\n"},
		{"after blanks", []string{"  \t::error::x\n"}, "  \t: :error::x\n"},
		{"after blanks of another write", []string{"  ", "::error::x\n"}, "  : :error::x\n"},
		{"within a line of two writes", []string{"  a", "::b\n", "::c\n"}, "  a::b\n: :c\n"},
		{"in the older form, anywhere", []string{"web| ##[add-matcher]/etc/passwd ###[error]\n"}, "web| # #[add-matcher]/etc/passwd ## #[error]\n"},
		{"of Azure and TeamCity", []string{"##vso[task.setvariable]##teamcity[x]"}, "# #vso[task.setvariable]# #teamcity[x]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			w := &inert{w: &b}
			for _, text := range tt.texts {
				if n, err := io.WriteString(w, text); n != len(text) || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			}
			if b.String() != tt.want {
				t.Errorf("got %q, want %q", b.String(), tt.want)
			}
		})
	}
}

func TestOnlyAPipelineHasNoCommands(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pipe := &strings.Builder{}
	for _, tt := range []struct {
		name, variable string
		w              io.Writer
		want           bool
	}{
		{"GitHub", "GITHUB_ACTIONS", pipe, true},
		{"Azure", "TF_BUILD", pipe, true},
		{"elsewhere", "HOME", pipe, false},
		{"a file, which stays as it is", "GITHUB_ACTIONS", file, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range commandReaders {
				t.Setenv(name, "")
			}
			t.Setenv(tt.variable, "true")
			w := newInert(tt.w)
			if _, is := w.(*inert); is != tt.want || commandsTo(w) != tt.w {
				t.Errorf("%T, want an inert one: %t", w, tt.want)
			}
		})
	}
}
