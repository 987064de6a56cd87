package language

import "time"

// FaultExpectation judges how often a fault struck.
type FaultExpectation struct {
	Fault string `json:"fault" jsonschema_description:"Name of the fault."`
	Hits  Count  `json:"hits" jsonschema_description:"Number of packets it struck."`
}

func (f *FaultExpectation) check(v *validation, pos Pos) {
	v.faultRef(&f.Fault, pos, f.Fault)
	v.count(&f.Hits, "hits", pos)
}

// String is the title of its verdict: "fault syn-lost: 3 hits".
func (f *FaultExpectation) String() string { return "fault " + f.Fault + ": " + f.Hits.Of("hit") }

func (*FaultExpectation) lasts(bool) time.Duration { return 0 }

func (*FaultExpectation) begins() EventRef { return "" }

func (*FaultExpectation) observed() bool { return false }

func (*FaultExpectation) sampledAt() []EventRef { return nil }
