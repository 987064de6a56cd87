package vm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"halfopen/assertions"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// netemKernel is the Debian kernel that the netem tests prefer. Other kernels have netem too.
const netemKernel = "6.1"

// Many kernels have no netem, perhaps also the one that runs this test. So the scenarios of
// testdata/netem run in a virtual machine, all in one boot, and one with programs of the machine. The
// last one expects a wrong delay, and must fail.
func TestNetemAndPrograms(t *testing.T) {
	k := needMachine(t)
	if found, err := FindKernel(netemKernel); err == nil {
		k = found
	}
	paths, err := filepath.Glob("testdata/netem/*.yaml")
	if err != nil || len(paths) < 9 {
		t.Fatalf("%d scenarios: %v", len(paths), err)
	}
	var list []*language.Scenario
	for _, path := range paths {
		list = append(list, runsOf(t, path, "", "")...)
	}
	list = append(list, programs(t))
	wrong := runsOf(t, "testdata/netem/delay.yaml", "first: ~50ms", "first: ~80ms")
	wrongAt := len(list)
	for _, s := range wrong {
		if s.Case == "selected" {
			list = append(list, s)
		}
	}
	if len(list) == wrongAt {
		t.Fatal("delay.yaml has no case selected")
	}
	var tasks []Task
	for i, s := range list {
		tasks = append(tasks, Task{
			Scenario: s,
			Seed:     7,
			Began:    func() {},
			Emit:     func(trace.Event) {},
			Ended: func(tr *trace.Trace, err error) {
				if err != nil {
					t.Errorf("%s: %v", s.ID(), err)
					return
				}
				judge(t, s, tr, i >= wrongAt)
			},
		})
	}
	if err := Do(t.Context(), tasks, Options{Kernel: k, Warp: true, AtOnce: 1}); err != nil {
		t.Fatal(err)
	}
}

// programs returns the scenario with programs.
func programs(t *testing.T) *language.Scenario {
	t.Helper()
	t.Setenv("NUMBER", "42")
	now := time.Now().UTC()
	today := now.Format(time.DateOnly) + "|" + now.Add(time.Hour).Format(time.DateOnly)
	s := runsOf(t, "testdata/programs/programs.yaml", "TODAY", today)[0]
	dir, err := filepath.Abs("testdata/programs")
	if err != nil {
		t.Fatal(err)
	}
	s.Dir = dir
	return s
}

// judge checks a run. A wrong one must fail, but only in the time of its first connection.
func judge(t *testing.T, s *language.Scenario, tr *trace.Trace, wrong bool) {
	failures := 0
	for _, v := range assertions.Check(s, tr) {
		if v.Status == assertions.Pass {
			continue
		}
		failures++
		if !wrong || !strings.Contains(v.Title, "client.connect") {
			t.Errorf("%s: %s: %s", s.ID(), v.Title, v.Reason)
		}
	}
	if wrong && failures == 0 {
		t.Errorf("%s passes although it expects a wrong delay", s.ID())
	}
}

// runsOf returns the runs of a scenario file, with old replaced by text.
func runsOf(t *testing.T, path, old, text string) []*language.Scenario {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(src), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	if old != "" {
		src = []byte(strings.ReplaceAll(string(src), old, text))
	}
	f, err := language.Parse(path, src)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := f.Expand(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}
