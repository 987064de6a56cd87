package language

// Drop loses the packet silently.
type Drop struct{}

func (*Drop) check(*validation, *Fault) {}

func (*Drop) effects() Effects { return Effects{Loses: true} }
