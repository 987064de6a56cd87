package result

import (
	"errors"

	"halfopen/assertions"
	"halfopen/inject"
)

// The codes of runs without a verdict. [Codes] says what they mean.
const (
	MissingCapability assertions.Code = "missing-capability"
	RefusedValue      assertions.Code = "refused-value"
	BrokeOff          assertions.Code = "broke-off"
	StoppedEarly      assertions.Code = "canceled"
	NeverRun          assertions.Code = "not-run"
)

// Codes has every code of runs without a verdict, in the order of docs/codes.md. The others are those of
// verdicts.
var Codes = []assertions.CodeRow{
	{Code: MissingCapability, Means: "This machine lacks something that the run needs. It is skipped."},
	{Code: RefusedValue, Means: "The kernel refuses what the scenario asks for: the scenario is wrong."},
	{Code: BrokeOff, Means: "The run broke off for another reason."},
	{Code: StoppedEarly, Means: "The run was stopped before its end."},
	{Code: NeverRun, Means: "The suite ended before the run began."},
}

// Code says in a word why a run did not pass: the code of the first verdict with the status of the run,
// or why there is no verdict. It is "" for a pass.
func (r *Result) Code() assertions.Code {
	var refused *inject.RefusedError
	var missing *inject.MissingError
	switch {
	case r.Status == Pass:
		return ""
	case r.Status == NotRun:
		return NeverRun
	case r.Status == Canceled:
		return StoppedEarly
	case errors.As(r.Err, &refused):
		return RefusedValue
	case errors.As(r.Err, &missing):
		return MissingCapability
	}
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; string(v.Status) == string(r.Status) {
			return v.Code
		}
	}
	return BrokeOff
}
