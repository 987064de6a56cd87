package language

// Flood sends SYNs of which no socket knows, each from an address and port of its own as long as there are any. The
// outcome's result is how many were sent.
type Flood struct {
	To    string `json:"to" jsonschema_description:"As for connect."`
	Count int    `json:"count" jsonschema_description:"How many SYNs, 1 to 1000000."`
	Rate  int    `json:"rate,omitempty" jsonschema_description:"SYNs a second. Default: as many as the machine can."`
	From  string `json:"from,omitempty" jsonschema_description:"Source addresses, as a prefix of the lab's. Default: 198.19.0.0/16 or 2001:2:0:8000::/49, which no host has and nobody answers for."`
}
