package suite

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/harness/suite/result"
	"halfopen/scenarios/language"
)

// withProgram is a run of a scenario that runs a program, and was inconclusive.
func withProgram(t *testing.T, dir string) task {
	t.Helper()
	s := timed(t)
	s.Actors = append(s.Actors, language.Actor{Name: "server", Steps: []language.Step{
		{ID: "exec", Op: language.Op{Exec: &language.Exec{}}},
	}})
	return task{&todo{dir: dir}, &Result{Run: Run{Scenario: s}}}
}

func put(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("text"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// filesIn returns the names of the files in a directory, without those below it.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestNothingOfAnOlderRunStaysNextToTheFilesOfPrograms(t *testing.T) {
	dir := t.TempDir()
	r := withProgram(t, dir)
	put(t, dir, result.TraceFile, result.CaptureFile, result.VerdictFile, "client.exec.stdout", "client.old+7.stderr", "notes.txt", "server.exec.stdout/x")
	if got, err := prepareLogs(&r); got != dir || err != nil {
		t.Errorf("prepareLogs returns %q, %v", got, err)
	}
	if diff := cmp.Diff([]string{"notes.txt"}, filesIn(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestOnlyStoredRunsWithProgramsHaveFilesOfThem(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, result.TraceFile)
	without := task{&todo{dir: dir}, &Result{Run: Run{Scenario: timed(t)}}}
	notStored := withProgram(t, "")
	for _, r := range []task{without, notStored} {
		if got, err := prepareLogs(&r); got != "" || err != nil {
			t.Errorf("prepareLogs returns %q, %v", got, err)
		}
	}
	if names := filesIn(t, dir); len(names) != 1 {
		t.Errorf("the directory has %q", names)
	}
}

// An inconclusive run is stored as an attempt, with the files of its programs.
func TestTheFilesOfProgramsFollowTheRun(t *testing.T) {
	dir := t.TempDir()
	e := &engine{suite: &Suite{}, see: &seen{}}
	r := withProgram(t, dir)
	put(t, dir, "server.exec.stdout", "attempt-1/server.exec+2.stdout")
	late := took(t, 90*time.Millisecond, 70*time.Millisecond)
	e.end(t.Context(), r, late, nil, time.Now())
	r, again := e.next()
	if !again {
		t.Fatal("it is not repeated")
	}
	put(t, dir, "server.exec.stderr")
	e.end(t.Context(), r, took(t, 45*time.Millisecond, 0), nil, time.Now())
	evidence := []string{result.CaptureFile, result.ScenarioFile, result.TraceFile, result.VerdictFile}
	for name, want := range map[string]string{"attempt-1": "server.exec.stdout", ".": "server.exec.stderr"} {
		want := append([]string{want}, evidence...)
		slices.Sort(want)
		if diff := cmp.Diff(want, filesIn(t, filepath.Join(dir, name))); diff != "" {
			t.Errorf("files of %s (-want +got):\n%s", name, diff)
		}
	}
	got, err := result.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]result.Log{{Name: "server.exec.stderr", Bytes: 4}}, got.Logs); diff != "" {
		t.Errorf("files of the run (-want +got):\n%s", diff)
	}
}

func TestARunWithoutATraceLeavesNoDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	e := &engine{suite: &Suite{}, see: &seen{}}
	r := withProgram(t, dir)
	if _, err := prepareLogs(&r); err != nil {
		t.Fatal(err)
	}
	e.end(t.Context(), r, nil, os.ErrInvalid, time.Now())
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is there: %v", err)
	}
}

// What a guest sends is written only below the directory of the run, only to files of programs, and
// not without end.
func TestAGuestWritesOnlyFilesOfPrograms(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pieces []string // NAME=TEXT
		want   map[string]string
		failed bool
	}{
		{"two files, in pieces", []string{"a.x.stdout=on", "a.x.stderr=no", "a.x.stdout=e"}, map[string]string{"a.x.stdout": "one", "a.x.stderr": "no"}, false},
		{"a path", []string{"../a.x.stdout=on", "a.x.stdout=on"}, nil, true},
		{"the verdict", []string{result.VerdictFile + "={}"}, nil, true},
		{"a hidden name", []string{"..=x", ".stdout/x=y"}, nil, true},
		{"more than a guest sends", []string{"a.x.stdout=ab", "a.x.stdout=" + string(make([]byte, mostOfGuest))}, map[string]string{"a.x.stdout": "ab"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			put(t, dir, "kept")
			failures := 0
			g := guestLogs{dir: dir, failed: func(error) { failures++ }}
			for _, p := range tt.pieces {
				name, text, _ := strings.Cut(p, "=")
				g.add(name, []byte(text))
			}
			got := map[string]string{}
			for _, name := range filesIn(t, dir) {
				text, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if name != "kept" {
					got[name] = string(text)
				}
			}
			want := tt.want
			if want == nil {
				want = map[string]string{}
			}
			if diff := cmp.Diff(want, got); diff != "" || failures > 1 || (failures == 1) != tt.failed {
				t.Errorf("%d failures, files (-want +got):\n%s", failures, diff)
			}
			if others := filesIn(t, filepath.Dir(dir)); len(others) > 0 {
				t.Errorf("next to the run there is %q", others)
			}
		})
	}
}
