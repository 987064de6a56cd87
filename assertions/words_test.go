package assertions

import (
	"testing"
	"time"
)

func TestBriefDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1676 * time.Millisecond:     "1.676s", // 1 + 0.676 is 1.6760000000000002
		63128400 * time.Microsecond: "63.128s",
		-3 * time.Second:            "-3s",
		2*time.Hour + 4*time.Second: "2h0m4s",
		1234567 * time.Nanosecond:   "1.2ms",
		1234 * time.Nanosecond:      "1µs",
		999999600 * time.Nanosecond: "1s",
		0:                           "0s",
	} {
		if got := brief(d); got != want {
			t.Errorf("%d ns is %s, want %s", d, got, want)
		}
	}
}
