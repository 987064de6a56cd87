package report

import (
	"strings"

	"halfopen/harness/suite/result"
)

// handRows and handCalls are the maximum of rows, and of calls of programs among them, in the ladder of
// a lab that was held.
const handRows, handCalls = 500, 200

// ByHand draws what happened in a lab that was held for people: packets, steps, the last lines of
// programs, and the hits of faults. Nothing is judged.
func ByHand(r *result.Result, k Look) string {
	var b strings.Builder
	b.WriteString(ladderOf(r, k, LadderOptions{
		MaxRows: handRows, Lines: verboseLines, Calls: handCalls,
		moreCalls: "not drawn", states: statesOf(r),
	}))
	b.WriteString(programsText(r, k, "", 0, nil))
	for _, line := range result.FaultsOf(r.Trace) {
		wrapTo(&b, k, "", "fault ", faultText(&line))
	}
	if r.Missed != "" {
		wrapTo(&b, k, "", "note: ", r.Missed)
	}
	return k.plain(b.String())
}
