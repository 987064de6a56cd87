package main

import (
	"time"

	"halfopen/harness/suite"
	"halfopen/harness/suite/result"
	"halfopen/internal/kernel"
	"halfopen/internal/report"
	"halfopen/internal/version"
)

// suiteRecord is the record of a suite that begins now.
func suiteRecord(seed uint64, plan *result.Plan, shard suite.Shard) report.Suite {
	release, _, err := kernel.Uname()
	if err != nil {
		release = "" // there is no Linux, and no run
	}
	rec := report.Suite{
		Version: version.String(), Kernel: release, Began: time.Now(), Seed: seed, Plan: plan,
	}
	if !shard.IsZero() {
		rec.Shard = &shard
	}
	return rec
}

// leftOutRecords are the records of the cases of a suite that are not run.
func leftOutRecords(s *suite.Suite) []report.LeftOut {
	var all []report.LeftOut
	for _, c := range s.LeftOut {
		all = append(all, report.NewLeftOut(&suite.Run{Scenario: c},
			"it takes "+roughly(c.Estimate())+" and is not warped: "+s.WhyReal.Error()))
	}
	return all
}

// refusedRecords returns the records of the files that are wrong.
func refusedRecords(wrong []wrongFile) []report.Refused {
	var all []report.Refused
	for _, w := range wrong {
		all = append(all, report.NewRefused(w.name, w.err))
	}
	return all
}
