package say

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		d    time.Duration
		want string
	}{
		"nothing":                            {0, "0s"},
		"less than a microsecond":            {400, "0s"},
		"whole microseconds":                 {1234, "1µs"},
		"just below a millisecond":           {999_600, "1ms"},
		"a tenth of a millisecond":           {1_234_567, "1.2ms"},
		"whole milliseconds":                 {200 * ms, "200ms"},
		"just below a second":                {999_999_600, "1s"},
		"whole seconds":                      {3 * time.Second, "3s"},
		"a fraction that floats cannot hold": {1676 * ms, "1.676s"}, // 1 + 0.676 is 1.6760000000000002
		"more than a minute":                 {63_128_400 * time.Microsecond, "63.128s"},
		"just below an hour":                 {time.Hour - ms, "3599.999s"},
		"hours":                              {2*time.Hour + 4*time.Second, "2h0m4s"},
		"hours, to the millisecond":          {time.Hour + 1234567*time.Nanosecond, "1h0m0.001s"},
		"negative":                           {-3 * time.Second, "-3s"},
		"negative, below a second":           {-41_230 * time.Microsecond, "-41.2ms"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Duration(test.d); got != test.want {
				t.Errorf("Duration(%d) = %q, want %q", test.d, got, test.want)
			}
		})
	}
}
