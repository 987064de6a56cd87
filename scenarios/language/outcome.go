package language

// Outcome is a part of what came of a step that an expectation can judge, named by the expectation's key.
type Outcome string

// The parts of an outcome.
const (
	OutcomeResult Outcome = "result" // what the system call returned
	OutcomeValue  Outcome = "value"  // a text that the operation asked for
	OutcomeValues Outcome = "values" // numbers with names
	OutcomeText   Outcome = "text"   // the first of the bytes received
	OutcomeSHA256 Outcome = "sha256" // the digest of all bytes received
	OutcomeBytes  Outcome = "bytes"  // how many bytes the step moved
	OutcomePeer   Outcome = "peer"   // the address of the other end
)
