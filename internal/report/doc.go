// Package report writes results for people and programs: the ladder, the closing table, JSON,
// pcapng, and the live lines of runs in progress. Everything except the live lines is a pure
// function of results (scenario, trace and verdicts), so an old run reads the same as a new one.
// [Formats] lists the formats in which the results of a suite can be written.
package report
