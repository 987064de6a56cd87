package language

// Partition cuts a host off.
type Partition struct {
	Host      string `yaml:",short" json:"host" jsonschema_description:"The host whose link is cut."`
	Direction string `json:"direction,omitempty" jsonschema:"enum=both,enum=in,enum=out" jsonschema_description:"both (default), in: nothing reaches the host; out: nothing leaves it."`
}

func (a *Partition) check(v *validation, f *Fault) { v.host(&a.Host, f.Pos, a.Host, false) }

func (*Partition) effects() Effects { return Effects{} }
