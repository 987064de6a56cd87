package language

// Blocked finds out which system call another actor's step is blocked in, as /proc/PID/syscall and strace -p tell. The
// outcome's text is the call's name; where steps run in parallel, those of all that are blocked, in the order in which the
// steps are written.
type Blocked struct {
	Actor string `yaml:",short" json:"actor" jsonschema_description:"Which actor; another than the step's own."`
}
