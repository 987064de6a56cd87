package result

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// Packets that cannot be read back from the disk leave a run without a verdict.
func TestARunWhosePacketsAreGoneIsNotJudged(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	r := &Result{Run: Run{Scenario: &language.Scenario{
		Hosts: []language.Host{{Name: "client"}},
		Expect: []language.Expectation{{Packets: &language.PacketsExpectation{
			Packets: language.Selector{From: "client"}, Count: &language.Count{Min: 1, Max: 1},
		}}},
	}}, Trace: &trace.Trace{}}
	end := &trace.LinkEnd{Host: "client", Device: "eth0"}
	for i := range 40_000 { // 40 MB, of which 32 stay in memory
		r.Trace.AddPacket(time.Duration(i), &trace.Packet{
			Number: uint32(i), LinkEnd: end, Length: 1000, Frame: make([]byte, 1000),
		})
	}
	r.Trace.Add(trace.Event{T: time.Second, End: &trace.End{Reason: trace.EndDone}})
	if r.Judge(); r.Status != Fail || len(r.Verdicts) == 0 {
		t.Fatalf("with all packets: %s, %v", r.Status, r.Err)
	}
	truncate(t, dir)
	r.Judge()
	if r.Status != Error || r.Err == nil || !strings.HasPrefix(r.Err.Error(), "reading the packets of the run back: ") || len(r.Verdicts) > 0 {
		t.Errorf("without them: %s, %v, %d verdicts", r.Status, r.Err, len(r.Verdicts))
	}
}

// truncate empties the open file of this process that was made in a directory.
func truncate(t *testing.T, dir string) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, _ := os.Readlink(link); strings.HasPrefix(to, dir) {
			if err := os.Truncate(link, 0); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no file of %s is open", dir)
}
