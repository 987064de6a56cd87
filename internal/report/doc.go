// Package report turns a run into what people and programs read: the ladder, the closing table, JSON, pcapng, and the live
// lines of a run in progress. All but the live lines are pure functions of scenario, trace and verdicts, so an old run
// reads the same as a new one. It imports scenarios, harness/trace and assertions only.
package report
