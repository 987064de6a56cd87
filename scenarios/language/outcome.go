package language

import "slices"

// Outcome is a part of the outcome of a step that an expectation can judge. Its value is the key of
// the expectation.
type Outcome string

// The parts of an outcome.
const (
	OutcomeResult Outcome = "result" // what the system call returned
	OutcomeValue  Outcome = "value"  // a text that the operation asked for
	OutcomeValues Outcome = "values" // numbers with names
	OutcomeText   Outcome = "text"   // the first of the bytes received, or what the operation found out
	OutcomeSHA256 Outcome = "sha256" // the digest of all bytes received
	OutcomeBytes  Outcome = "bytes"  // how many bytes the step moved
	OutcomePeer   Outcome = "peer"   // the address of the other end
	OutcomeExit   Outcome = "exit"   // the exit status of a program, or the signal that ended it
)

// Shown says which part of an outcome a report shows: connect() = RESULT.
type Shown struct {
	Part Outcome
	// Nothing is shown if that part is empty or 0; if Nothing is "", the return value of the system
	// call is shown.
	Nothing string
}

// operationsWith returns the keys of the operations that have an outcome.
func operationsWith(o Outcome) []string {
	var keys []string
	for key, op := range Operations() {
		if slices.Contains(op.Outcomes(), o) {
			keys = append(keys, key)
		}
	}
	return keys
}
