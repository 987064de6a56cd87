package trace

import (
	"encoding/json"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestClockStartsAtZeroAndNeverGoesBack(t *testing.T) {
	before := monotonic()
	c := NewClock()
	last := time.Duration(0)
	for range 1000 {
		now := c.Now()
		if now < last {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
	if most := time.Duration(monotonic() - before); last > most {
		t.Errorf("the clock is at %v, %v after it was made", last, most)
	}
}

// eBPF programs read the same clock in the kernel.
func TestClockIsThatOfTheKernel(t *testing.T) {
	const most = 20 * time.Microsecond // how late the comparison can be
	for range 1000 {
		before := systemMonotonic()
		now := monotonic()
		after := systemMonotonic()
		if now < before || now > after+int64(most) {
			t.Fatalf("the clock is at %d, the kernel's at %d before and at %d after", now, before, after)
		}
	}
}

func TestClockSurvivesJSON(t *testing.T) {
	want := NewClock()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Clock
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
}

// A reading of the wall clock, converted, lies between two readings of the clock just before and
// just after it. The slack is 1 ms, far more than the two kernel clocks drift apart by NTP
// corrections here, and the time that FromWall takes, which bounds the error of its comparison.
func TestClockFromWall(t *testing.T) {
	c := Clock{Base: monotonic() - int64(time.Hour)}
	fromWall := func(sec, nsec int64) (at, slack time.Duration) {
		began := c.Now()
		at = c.FromWall(sec, nsec)
		return at, time.Millisecond + c.Now() - began
	}
	var wall unix.Timespec
	before := c.Now()
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &wall); err != nil {
		t.Fatal(err)
	}
	after := c.Now()
	got, slack := fromWall(wall.Sec, wall.Nsec)
	if got < before-slack || got > after+slack {
		t.Errorf("%v, want %v to %v", got, before, after)
	}
	later, more := fromWall(wall.Sec+3, wall.Nsec)
	if passed := later - got; passed < 3*time.Second-slack-more || passed > 3*time.Second+slack+more {
		t.Errorf("3 s later is %v later", passed)
	}
}
