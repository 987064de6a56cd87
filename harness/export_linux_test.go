package harness

import (
	"context"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// RunHurried is Run with limits that tests can wait for.
func RunHurried(ctx context.Context, s *language.Scenario, o Options) (*trace.Trace, error) {
	return runWithin(ctx, s, o, limits{
		silence: 4 * time.Second, whole: 20 * time.Second, late: 2 * time.Second,
		canceled: 500 * time.Millisecond, away: time.Second, exit: 2 * time.Second, death: 10 * time.Second,
	})
}

// CallsAreWatched reports whether the system calls of programs are watched for any lab.
func CallsAreWatched() bool {
	sharedCalls.mu.Lock()
	defer sharedCalls.mu.Unlock()
	return sharedCalls.view != nil
}
