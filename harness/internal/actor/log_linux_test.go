package actor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/trace"
)

// Each write is "N STREAM TEXT", of that execution of a step.
func TestFilesHaveWhatProgramsWriteUpToABound(t *testing.T) {
	const full = "a.s.stdout is cut off: the files of a step have at most 5 bytes"
	for _, tt := range []struct {
		name   string
		there  string // a file that is there already
		most   logRoom
		writes []string
		want   map[string]string
		notes  []string
	}{
		{
			"both outputs, in pieces", "",
			logRoom{files: 9, bytes: 99},
			[]string{"1 stdout ab", "1 stderr x", "1 stdout c"},
			map[string]string{"a.s.stdout": "abc", "a.s.stderr": "x"},
			nil,
		},
		{"as much as is allowed", "", logRoom{files: 9, bytes: 5}, []string{"1 stdout ab", "1 stdout cde"}, map[string]string{"a.s.stdout": "abcde"}, nil},
		{
			"more than is allowed, which is said once", "",
			logRoom{files: 9, bytes: 5},
			[]string{"1 stdout abc", "1 stdout def", "1 stdout g", "2 stdout h"},
			map[string]string{"a.s.stdout": "abcde"},
			[]string{full},
		},
		{
			"many executions", "",
			logRoom{files: 2, bytes: 99},
			[]string{"1 stdout a", "2 stdout b", "3 stdout c", "1 stdout d", "4 stdout e"},
			map[string]string{"a.s.stdout": "ad", "a.s+2.stdout": "b"},
			[]string{"a.s+3.stdout and later ones are left out: a step has at most 2 files"},
		},
		{
			"a file that is there is not written to", "a.s.stdout",
			logRoom{files: 9, bytes: 99},
			[]string{"1 stdout a", "1 stdout b", "1 stderr c"},
			map[string]string{"a.s.stdout": "", "a.s.stderr": "c"},
			[]string{"a.s.stdout is cut off: file exists"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := t.TempDir()
			if tt.there != "" {
				if err := os.WriteFile(filepath.Join(path, tt.there), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			dir, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			l := newLogs(dir, "a")
			l.most = tt.most
			var notes []string
			logs := map[string]*log{}
			for _, w := range tt.writes {
				which, text := w[:8], w[9:]
				if logs[which] == nil {
					logs[which] = l.of(&trace.Line{Actor: "a", Step: "s", N: int(w[0] - '0')}, trace.Stream(which[2:]),
						func(text string) { notes = append(notes, text) })
					defer logs[which].close()
				}
				if n, err := logs[which].Write([]byte(text)); n != len(text) || err != nil {
					t.Errorf("Write(%q) returns %d, %v", text, n, err)
				}
			}
			got := map[string]string{}
			files, _ := filepath.Glob(path + "/*") // the pattern is well-formed
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				got[strings.TrimPrefix(file, path+"/")] = string(text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}
