package language

// Kill sends a signal to the process of an actor.
type Kill struct {
	Actor   string `yaml:",short" json:"actor" jsonschema_description:"Whose process."`
	Signal  string `json:"signal,omitempty" jsonschema_description:"KILL (default; done when the process is gone), TERM, STOP, CONT, USR1, ..."`
	Restart *bool  `json:"restart,omitempty" jsonschema_description:"For USR1: whether its handler is installed with SA_RESTART. Default: true."`
}
