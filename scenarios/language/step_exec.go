package language

// Exec runs a program on the host. The outcome has exit status, standard output and standard error, 64 KiB of each.
type Exec struct {
	Command []string `yaml:",short" json:"command" jsonschema_description:"Program and arguments; one string is given to sh -c."`
	Stdin   string   `json:"stdin,omitempty" jsonschema_description:"Its standard input. Default: empty."`
	Timeout Duration `json:"timeout,omitempty" jsonschema_description:"SIGTERM after this, SIGKILL a second later. Default: the scenario's deadline."`
}
