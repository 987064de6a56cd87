package trace

import (
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// NewClock returns a clock whose T 0 is now.
func NewClock() Clock { return Clock{Base: monotonic()} }

// Now returns the time since T 0.
func (c Clock) Now() time.Duration { return time.Duration(monotonic() - c.Base) }

// At converts a reading of CLOCK_MONOTONIC, such as an eBPF program's, to the time since T 0.
func (c Clock) At(reading time.Duration) time.Duration { return reading - time.Duration(c.Base) }

// FromWall converts a reading of CLOCK_REALTIME, such as a packet's kernel timestamp, to the time
// since T 0. It compares the two clocks at the moment of the call, so call it soon after the
// reading was taken.
func (c Clock) FromWall(sec, nsec int64) time.Duration {
	now := time.Now() // reads both clocks
	offset := now.UnixNano() - origin().reading(now)
	return time.Duration(sec*int64(time.Second) + nsec - offset - c.Base)
}

// monotonic reads CLOCK_MONOTONIC without a system call, of which a lab needs several for each packet:
// package time reads it in the vDSO, but counts from a time of its own.
func monotonic() int64 { return origin().reading(time.Now()) }

// epoch is what CLOCK_MONOTONIC was at a time.
type epoch struct {
	at    time.Time
	nanos int64
}

func (e *epoch) reading(at time.Time) int64 { return e.nanos + int64(at.Sub(e.at)) }

// origin compares the two counts once for each process. The result is never early, and late by less
// than the system call takes.
var origin = sync.OnceValue(func() *epoch {
	const least, most, narrow = 20, 1000, int64(2 * time.Microsecond)
	start := time.Now()
	early, late := int64(math.MinInt64), int64(math.MaxInt64)
	for i := 0; i < least || i < most && late-early > narrow; i++ {
		before := systemMonotonic()
		since := int64(time.Since(start))
		after := systemMonotonic()
		early, late = max(early, before-since), min(late, after-since)
	}
	return &epoch{start, late}
})

func systemMonotonic() int64 {
	var ts unix.Timespec
	// cannot fail: the clock exists and the pointer is valid
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}
