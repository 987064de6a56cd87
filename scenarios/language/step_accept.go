package language

// Accept is accept4(2).
type Accept struct {
	As string `yaml:",short" json:"as,omitempty" jsonschema_description:"Name of the new socket. Default: conn, then conn2, conn3, ..."`
}
