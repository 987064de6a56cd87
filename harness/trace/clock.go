package trace

// Clock measures the time since a run's start, in nanoseconds of CLOCK_MONOTONIC. All processes of
// a run share one Clock value; it survives encoding/json.
type Clock struct {
	// Base is the reading of CLOCK_MONOTONIC at T 0, in nanoseconds.
	Base int64 `json:"base"`
}
