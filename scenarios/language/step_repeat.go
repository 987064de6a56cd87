package language

// Repeat does several steps several times.
type Repeat struct {
	Times int    `json:"times" jsonschema_description:"1 to 100000."`
	Steps []Step `json:"steps"`
}
