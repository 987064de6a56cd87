package language

// FaultExpectation judges how often a fault struck.
type FaultExpectation struct {
	Fault string `json:"fault" jsonschema_description:"The fault."`
	Hits  Count  `json:"hits" jsonschema_description:"Number of packets it struck."`
}
