//go:build race

package harness_test

// raceEnabled reports a build for the race detector, which makes each process of a lab several
// times slower.
const raceEnabled = true
