package vm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

// Only programs see the date and the environment, and load modules.
func TestAJobHasWhatProgramsSee(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	environment := []string{"PATH=/bin", "TOKEN=secret", "TZ=UTC", "HALFOPEN_X=1", "OTHER=a=b", "PATHS=/x"}
	program := func(inherit ...string) *language.Scenario {
		exec := &language.Exec{}
		exec.Env = &language.Environment{Inherit: inherit}
		return &language.Scenario{Dir: "/dir", Actors: []language.Actor{{Steps: []language.Step{{Op: language.Op{Exec: exec}}}}}}
	}
	for _, tt := range []struct {
		name string
		runs []*language.Scenario
		want []string
	}{
		{"no programs", []*language.Scenario{{}}, nil},
		{"a program", []*language.Scenario{program()}, []string{"PATH=/bin", "TZ=UTC", "HALFOPEN_X=1"}},
		{
			"two that inherit",
			[]*language.Scenario{{}, program("OTHER"), program("ABSENT")},
			[]string{"PATH=/bin", "TZ=UTC", "HALFOPEN_X=1", "OTHER=a=b"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var tasks []Task
			for _, s := range tt.runs {
				tasks = append(tasks, Task{Scenario: s})
			}
			j := newJob(tasks, &Options{}, environment, now, map[string]string{"veth": "/veth.ko"})
			if diff := cmp.Diff(tt.want, j.Environment); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
			if programs := tt.want != nil; j.Now.IsZero() == programs || len(j.Modules) > 0 != programs {
				t.Errorf("the date is %v, the modules are %v", j.Now, j.Modules)
			}
			for i, w := range j.Tasks {
				if w.Dir != tt.runs[i].Dir {
					t.Errorf("directory %q, want %q", w.Dir, tt.runs[i].Dir)
				}
			}
		})
	}
}
