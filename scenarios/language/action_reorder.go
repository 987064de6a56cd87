package language

// Reorder lets later packets overtake.
type Reorder struct {
	By int `yaml:",short" json:"by,omitempty" jsonschema_description:"How many later packets overtake this one. Default: 1."`
}

func (a *Reorder) check(v *validation, f *Fault) { v.within(&a.By, f, "by", 1, 1000) }

func (*Reorder) effects() Effects { return Effects{Holds: Indefinite} }
