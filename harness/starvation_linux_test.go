package harness_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"halfopen/assertions"
	"halfopen/harness"
	"halfopen/harness/internal/actor"
	"halfopen/harness/trace"
)

// Programs that wait for processors are late, also those that others have started. That explains a
// duration that is too long.
func TestProgramsThatWaitForAProcessorAreLate(t *testing.T) {
	needLab(t)
	if !actor.ShowsRunQueue() {
		t.Skip("no /proc/PID/schedstat")
	}
	s := only(t, fmt.Sprintf(`
name: starved
title: More loops than processors
hosts: {client: {}, server: {}}
actors:
  client:
    - exec: "for i in $(seq %d); do timeout 0.3 sh -c 'while :; do :; done' & done; wait"
  server:
    - exec: sleep 0.3
expect:
  - {process: client.exec, took: < 290ms}
`, 4*runtime.NumCPU()))[0]
	tr, err := harness.Run(t.Context(), s, harness.Options{})
	if err != nil {
		t.Fatal(err)
	}
	parts := tr.Lateness().Parts
	i := slices.IndexFunc(parts, func(p trace.PartLate) bool { return p.Part == trace.LateProgram && p.Name == "client" })
	if i < 0 || parts[i].Worst < 50*time.Millisecond {
		t.Fatalf("the programs of client were not late: %+v", parts)
	}
	if v := assertions.Check(s, tr)[0]; v.Status != assertions.Inconclusive {
		t.Errorf("%s, want inconclusive: %s", v.Status, v.Reason)
	}
}
