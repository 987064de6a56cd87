package language

import "time"

// FaultExpectation judges how often a fault struck.
type FaultExpectation struct {
	Fault string `json:"fault" jsonschema_description:"The fault."`
	Hits  Count  `json:"hits" jsonschema_description:"Number of packets it struck."`
}

func (f *FaultExpectation) check(v *validation, pos Pos) {
	v.faultRef(&f.Fault, pos, f.Fault)
	v.count(&f.Hits, "hits", pos)
}

func (*FaultExpectation) lasts() time.Duration { return 0 }

func (*FaultExpectation) observed() bool { return false }

func (*FaultExpectation) sampledAt() []EventRef { return nil }
