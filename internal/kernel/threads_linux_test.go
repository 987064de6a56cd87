package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"halfopen/inject"
)

func TestThreadsThatALimitLeaves(t *testing.T) {
	for _, tt := range []struct {
		name        string
		limit, used uint64
		want        string
	}{
		{"enough", 45, 29, ""},
		{"one too few", 45, 30, "room for 16 more threads is not left by the limit of 45 processes and threads, of which this user has 30 (needed by every lab); raise the limit of processes (ulimit -u, the pids limit of the container), or lower --jobs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := threadsLeft(tt.limit, tt.used)
			var missing *inject.MissingError
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%v, want no error", err)
			case tt.want != "" && (!errors.As(err, &missing) || err.Error() != tt.want):
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestThreadsAreThoseOfAllProcessesOfTheUser(t *testing.T) {
	proc, uid := t.TempDir(), uint32(os.Getuid())
	for _, thread := range []string{"7/task/7", "7/task/8", "12/task/12", "self/task/7"} {
		if err := os.MkdirAll(filepath.Join(proc, thread), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if n := threadsOf(proc, uid); n != 3 {
		t.Errorf("%d threads, want 3", n)
	}
	if n := threadsOf(proc, uid+1); n != 0 {
		t.Errorf("another user has %d threads, want none", n)
	}
}
