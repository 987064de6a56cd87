package queue

// duplicate sends copies after the packet.
type duplicate struct{ copies int }

func (a *duplicate) strike(s *strike) (Strike, bool) {
	if !s.packet.whole() {
		return Strike{}, false
	}
	for range a.copies {
		s.extra(Extra{})
	}
	return Strike{Effect: "duplicated"}, true
}
