package observe

import (
	"slices"
	"time"

	"halfopen/harness/trace"
)

// wallClock turns the kernel's packet timestamps, which are of CLOCK_REALTIME, into times of the run. The two clocks
// keep their distance but for moments when somebody sets the wall clock. So one comparison a batch of packets is
// enough, and one that differs only by what an interrupted comparison errs is not believed: packets of one device keep
// their order.
type wallClock struct {
	clock trace.Clock
	// at0 is the time of the run at CLOCK_REALTIME 0.
	at0 time.Duration
}

// settled is the difference up to which a comparison does not count.
const settled = 100 * time.Microsecond

func newWallClock(clock trace.Clock) *wallClock {
	w := &wallClock{clock: clock}
	w.at0 = w.compare()
	return w
}

// compare returns the median of some comparisons, of which a few may have been interrupted.
func (w *wallClock) compare() time.Duration {
	var readings [5]time.Duration
	for i := range readings {
		readings[i] = w.clock.FromWall(0, 0)
	}
	slices.Sort(readings[:])
	return readings[len(readings)/2]
}

// batch is called before the timestamps of a batch are converted, soon after they were taken.
func (w *wallClock) batch() {
	if (w.clock.FromWall(0, 0) - w.at0).Abs() > settled {
		if now := w.compare(); (now - w.at0).Abs() > settled {
			w.at0 = now
		}
	}
}

// time converts a timestamp.
func (w *wallClock) time(sec, nsec int64) time.Duration {
	return w.at0 + time.Duration(sec)*time.Second + time.Duration(nsec)
}
