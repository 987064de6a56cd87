// Package report turns results into what people and programs read: the ladder, the closing table, JSON, pcapng, and the
// live lines of a run in progress. All but the live lines are pure functions of results (scenario, trace and verdicts), so
// an old run reads the same as a new one. [Formats] lists the formats in which a suite can be written.
package report
