package scenarios

// validate returns the mistakes of a decoded scenario that its types cannot rule out.
func validate(s *Scenario, d *decoder) []*Error { return nil }
