package language

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgramsOfAScenario(t *testing.T) {
	s := mustExpand(t, skeleton+`actors:
  client:
    - exec: "echo a | cat"
    - start: {command: [nginx, -v], as: web, ready: {exec: "curl localhost"}}
    - repeat: {times: 2, steps: [{exec: [ls, -l]}, exec: "echo a | cat"]}
    - start: {command: serve, ready: {exec: [test, -e, x]}}
    - sleep: 1ms
expect:
  - {step: client.sleep}
`, nil)[0]
	var got []string
	for _, p := range s.Programs() {
		got = append(got, p.Step+": "+p.Command)
	}
	want := []string{
		"exec: echo a | cat", "web: nginx -v", "web: curl localhost", "exec2: ls -l",
		"start2: serve", "start2: test -e x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}
