package language

// LinkOp takes the link of a host down or up, at the wire's end, so that the host's own interface only loses its carrier.
type LinkOp struct {
	Host  string `json:"host,omitempty" jsonschema_description:"Default: the actor's."`
	State string `yaml:",short" json:"state" jsonschema:"enum=down,enum=up"`
}
