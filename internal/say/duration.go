package say

import (
	"strconv"
	"time"
)

// Duration writes a duration for people. All texts and reports use this form:
//
//	from an hour on    as Go does, rounded to a millisecond: 2h0m4s
//	from a second on   in seconds, as kernel timers are documented, to a millisecond: 63.128s, never 1m3.128s
//	from 1 ms on       to a tenth of a millisecond: 41.2ms
//	below 1 ms         in whole microseconds: 250µs
//
// Trailing zeros are left out: 3s, not 3.000s. Only a column of figures to compare may have a fixed
// number of decimals instead.
func Duration(d time.Duration) string {
	switch size := d.Abs(); {
	case size >= time.Hour:
		return d.Round(time.Millisecond).String()
	case size >= time.Second:
		return strconv.FormatFloat(float64(d.Round(time.Millisecond).Milliseconds())/1000, 'f', -1, 64) + "s"
	case size >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
