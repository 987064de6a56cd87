package sandbox

import (
	"os"
	"testing"
)

func TestThreadsAreReserved(t *testing.T) {
	threads := func() int {
		all, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	const n = 40 // more than a test has idle
	ReserveThreads(n)
	if now := threads(); now < n {
		t.Errorf("%d threads after %d were reserved", now, n)
	}
}

func TestReleasesAreCompared(t *testing.T) {
	for release, want := range map[string]bool{
		"6.14.0":                     true,
		"6.14":                       true,
		"6.18.44-fc-v669":            true,
		"7.0.0-rc1":                  true,
		"6.13.9":                     false,
		"6.2.1":                      false,
		"6.12.117+deb12-cloud-amd64": false,
		"5.15.0-91-generic":          false,
		"linux":                      false,
		"":                           false,
	} {
		if got := atLeast(release, 6, 14); got != want {
			t.Errorf("%q is at least 6.14: %t, want %t", release, got, want)
		}
	}
}
