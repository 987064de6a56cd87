package queue

// drop takes the packet away.
type drop struct{}

func (drop) strike(s *strike) (Strike, bool) {
	s.decision.Drop = true
	return Strike{Effect: "dropped"}, true
}
