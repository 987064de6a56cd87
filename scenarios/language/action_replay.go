package language

import "halfopen/internal/code"

// Replay lets the packet pass and sends it again later.
type Replay struct {
	After Duration `yaml:",short" json:"after,omitempty" jsonschema_description:"Send it again this long after it passed."`
	Until EventRef `json:"until,omitempty" jsonschema_description:"Send it again at this event, instead of after a time."`
}

func (a *Replay) check(v *validation, f *Fault) {
	if (a.After != 0) == (a.Until != "") {
		v.errorf(code.MissingKey, a, f.Pos, "replay: want exactly one of after and until")
	}
	v.event(&a.Until, f.Pos)
}

func (*Replay) effects() Effects { return Effects{Holds: Indefinite} }
