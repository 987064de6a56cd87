package language

// Shutdown is shutdown(2).
type Shutdown struct {
	How string `yaml:",short" json:"how,omitempty" jsonschema:"enum=read,enum=write,enum=both" jsonschema_description:"read (SHUT_RD), write (SHUT_WR) or both (SHUT_RDWR)."`
}
