package language

// Wait waits for an event.
type Wait struct {
	Event   EventRef `yaml:",short" json:"event"`
	Timeout Duration `json:"timeout,omitempty" jsonschema_description:"Give up after this with ETIMEDOUT. Default: never."`
}
