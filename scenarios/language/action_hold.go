package language

// Hold holds the packet until an event.
type Hold struct {
	Until EventRef `yaml:",short" json:"until" jsonschema_description:"The packet goes on at this event."`
}

func (a *Hold) check(v *validation, f *Fault) { v.event(&a.Until, f.Pos) }

func (*Hold) effects() Effects { return Effects{Holds: Indefinite} }
