package language

// Connect is connect(2).
type Connect struct {
	To       string `yaml:",short" json:"to" jsonschema_description:"HOST:PORT, HOST.N:PORT (its nth address), HOST.absent:PORT (an address of its subnet that nobody has) or ADDRESS:PORT."`
	Nonblock bool   `json:"nonblock,omitempty" jsonschema_description:"On a socket made here: O_NONBLOCK."`
}
