package language

// Duplicate sends the packet more than once.
type Duplicate struct {
	Copies int `yaml:",short" json:"copies,omitempty" jsonschema_description:"Number of extra packets. Default: 1."`
}

func (a *Duplicate) check(v *validation, f *Fault) { v.within(&a.Copies, f, "copies", 1, 100) }

func (a *Duplicate) effects() Effects { return Effects{Copies: max(a.Copies, 1)} }
