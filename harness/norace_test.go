//go:build !race

package harness_test

// raceEnabled is whether this is a build for the race detector, which makes each process of a lab several times as slow.
const raceEnabled = false
