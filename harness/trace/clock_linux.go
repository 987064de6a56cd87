package trace

import (
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
	var wall unix.Timespec
	before := monotonic()
	// cannot fail: the clock exists and the pointer is valid
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall)
	after := monotonic()
	offset := wall.Nano() - (before+after)/2
	return time.Duration(sec*int64(time.Second) + nsec - offset - c.Base)
}

func monotonic() int64 {
	var ts unix.Timespec
	// cannot fail: the clock exists and the pointer is valid
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}
