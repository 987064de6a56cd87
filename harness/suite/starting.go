package suite

import (
	"context"
	"runtime"
	"sync"
)

// jobsEach is how many runs go on at once for each processor, unless the options say otherwise. A
// run mostly waits.
const jobsEach = 24

// startsEach is how many labs start at once for each processor. The start of a lab is nearly all of
// its work, so that more of them at once would only disturb the runs that go on, whose times are
// judged.
const startsEach = 2

// Jobs is how many runs go on at once on this machine if [Options] do not say it.
func Jobs() int { return jobsEach * runtime.NumCPU() }

// starting has a place for each lab that may start now.
type starting chan struct{}

func newStarting() starting { return make(starting, startsEach*runtime.NumCPU()) }

// begin waits until a lab may start, or for the end of the context. Call started once it has, or has
// ended.
func (s starting) begin(ctx context.Context) (started func()) {
	select {
	case s <- struct{}{}:
		return sync.OnceFunc(func() { <-s })
	case <-ctx.Done():
		return func() {}
	}
}
