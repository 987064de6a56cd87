package suite

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"halfopen/scenarios/language"
)

func TestTasksHaveSeedsThatDoNotDependOnTheOthers(t *testing.T) {
	a, b := &language.Scenario{Name: "a"}, &language.Scenario{Name: "b"}
	var got []string
	for _, t := range Repeat([]Placed{{Scenario: a}, {Scenario: b}}, 2, 7) {
		got = append(got, fmt.Sprintf("%s %d seed %d", t.Scenario.Name, t.N, t.Seed))
	}
	if d := cmp.Diff([]string{"a 1 seed 7", "a 2 seed 8", "b 1 seed 7", "b 2 seed 8"}, got); d != "" {
		t.Errorf("tasks (-want +got):\n%s", d)
	}
	if once := Repeat([]Placed{{Scenario: b}}, 1, 7); len(once) != 1 || once[0].N != 0 || once[0].Seed != 7 {
		t.Errorf("tasks of one run = %+v", once)
	}
}
