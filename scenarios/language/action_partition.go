package language

// Partition cuts a host off: its packets are lost, but its link stays up.
type Partition struct {
	Host      string `yaml:",short" json:"host" jsonschema_description:"The host that is cut off."`
	Direction string `json:"direction,omitempty" jsonschema:"enum=both,enum=in,enum=out" jsonschema_description:"both (default): nothing reaches or leaves the host; in: nothing reaches it; out: nothing leaves it."`
}

func (a *Partition) check(v *validation, f *Fault) { v.host(&a.Host, f.Pos, a.Host, false) }

func (*Partition) effects() Effects { return Effects{} }
