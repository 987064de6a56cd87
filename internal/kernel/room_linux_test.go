package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"halfopen/inject"
)

func TestWhatLimitsLeave(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"enough threads", threadsLeft(45, 29), ""},
		{
			"a thread too few", threadsLeft(45, 30),
			"room for 16 more threads is not left by the limit of 45 processes and threads, of which this user has 30 (needed by every lab); raise the limit of processes (ulimit -u, the pids limit of the container), or lower --jobs",
		},
		{"enough files", filesLeft(20, 12, 8, "every lab"), ""},
		{
			"a file too few", filesLeft(20, 13, 8, "every lab"),
			"room for 8 more open files is not left by the limit of 20, of which 13 are open (needed by every lab); raise the limit of open files (ulimit -n)",
		},
		{"enough addresses", addressesLeft(fewAddresses), ""},
		{
			"an address too few", addressesLeft(fewAddresses - 1),
			"an address space of 1500 MB is not allowed by the limit of 1499 MB (needed by every lab); raise the limit of virtual memory (ulimit -v)",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var missing *inject.MissingError
			switch {
			case tt.want == "" && tt.err != nil:
				t.Errorf("%v, want no error", tt.err)
			case tt.want != "" && (!errors.As(tt.err, &missing) || tt.err.Error() != tt.want):
				t.Errorf("%v, want %s", tt.err, tt.want)
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
