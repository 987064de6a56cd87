package language

// Limit is setrlimit(2): the soft limit of the actor's process, and of the programs it starts from then on.
type Limit struct {
	Nofile int `json:"nofile" jsonschema_description:"RLIMIT_NOFILE, 32 to 1048576: one more than the highest file descriptor it may have. Some dozen are its own."`
}
