package actor

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"halfopen/inject"
	"halfopen/internal/testlab"
)

func TestTheLongestOfSeveralWaits(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name       string
		of         delay
		from, upTo time.Duration
	}{
		{"of none", delay{0, 0}, 0, 0},
		{"of one, which goes on", delay{40 * ms, 0}, 40 * ms, 40 * ms},
		{"of one", delay{40 * ms, 1}, 40 * ms, 40 * ms},
		{"of two", delay{40 * ms, 2}, 33 * ms, 34 * ms},
		{"of many, some times their mean", delay{2000 * ms, 300}, 44 * ms, 45 * ms},
		{"of very many short ones", delay{100 * ms, 100_000}, 0, ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.of.worst(); got < tt.from || got > tt.upTo {
				t.Errorf("%v, want %v to %v", got, tt.from, tt.upTo)
			}
		})
	}
}

func TestAKernelWithoutRunQueueIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"it counts", "118260 7041 3\n", true},
		{"the thread never waited", "118260 0 1\n", true},
		{"it does not count", "0 0 0\n", false},
		{"the file is of another kind", "nothing\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "schedstat")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := showsRunQueue(path); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
	if showsRunQueue(filepath.Join(t.TempDir(), "none")) {
		t.Error("a file that is not there shows it")
	}
}

// Each step of a parallel one asks for the others.
func TestOnlySomeOfManyThreadsAreAskedFor(t *testing.T) {
	if !ShowsRunQueue() {
		testlab.Supported(t, &inject.MissingError{Feature: "schedstat"})
	}
	var all, there sync.WaitGroup
	there.Add(2 * mostOthers)
	end := make(chan struct{})
	for range 2 * mostOthers {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			there.Done()
			<-end
		})
	}
	there.Wait()
	delays := runDelays()
	if _, ok := delays[strconv.Itoa(os.Getpid())]; !ok || len(delays) > mostOthers {
		t.Errorf("%d threads, the first among them: %t; want %d", len(delays), ok, mostOthers)
	}
	close(end)
	all.Wait()
}

func TestSchedstatsAreRead(t *testing.T) {
	for _, tt := range []struct {
		text string
		want delay
		ok   bool
	}{
		{"118260 7041 3\n", delay{7041, 3}, true},
		{"0 0 0\n", delay{}, true},
		{"118260 7041\n", delay{}, false},
		{"", delay{}, false},
		{"1 x 3\n", delay{}, false},
	} {
		if got, ok := parseDelay(tt.text); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %+v, %v, want %+v, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
