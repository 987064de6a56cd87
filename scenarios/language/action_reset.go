package language

// Reset forges a RST with the right sequence numbers; the packet itself passes.
type Reset struct {
	To string `yaml:",short" json:"to,omitempty" jsonschema:"enum=receiver,enum=sender,enum=both" jsonschema_description:"Who gets the RST: the receiver of the packet, its sender, or both (default)."`
}

func (a *Reset) check(v *validation, f *Fault) { v.onlyTCP(a, f, "reset") }

func (*Reset) effects() Effects { return Effects{} }
