package observe

import (
	"slices"
	"time"

	"halfopen/harness/trace"
)

// wallClock converts the kernel's packet timestamps, which are on CLOCK_REALTIME, to times of the
// run. The distance between the two clocks changes only when somebody sets the wall clock. So one
// comparison per batch of packets is enough. A difference as small as the error of an interrupted
// comparison is ignored, so that the packets of a device keep their order.
type wallClock struct {
	clock trace.Clock
	// at0 is the time of the run at CLOCK_REALTIME 0.
	at0 time.Duration
}

// settled is the largest difference between comparisons that is ignored.
const settled = 100 * time.Microsecond

func newWallClock(clock trace.Clock) *wallClock {
	w := &wallClock{clock: clock}
	w.at0 = w.compare()
	return w
}

// compare returns the median of several comparisons, because a few may have been interrupted.
func (w *wallClock) compare() time.Duration {
	var readings [5]time.Duration
	for i := range readings {
		readings[i] = w.clock.FromWall(0, 0)
	}
	slices.Sort(readings[:])
	return readings[len(readings)/2]
}

// batch compares the clocks again. It must be called before the timestamps of a batch are
// converted, soon after they were taken.
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
