package language

// SysctlOp sets kernel parameters of a host.
type SysctlOp struct {
	Host string   `json:"host,omitempty" jsonschema_description:"Default: the actor's."`
	Set  []Sysctl `json:"set" jsonschema_description:"Names and values."`
}
