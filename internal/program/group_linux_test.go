package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The processes that a program started are killed with it at the time limit.
func TestTheGroupOfALateProgramIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	_, err := sh("sleep 60 & echo $! >"+file+"; wait", 500*time.Millisecond).Run(t.Context())
	if late, ok := err.(*Error); !ok || !late.Late {
		t.Fatalf("the error is %v, want a late program", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	patience := time.After(10 * time.Second)
	for runs(strings.TrimSpace(string(text))) {
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("process %s outlived its program", text)
		}
	}
}

// runs reports whether a process is there and not a zombie.
func runs(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
