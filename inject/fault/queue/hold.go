package queue

// hold keeps a packet until an event. After the event it leaves packets alone.
type hold struct{ until string }

func (a *hold) strike(s *strike) (Strike, bool) {
	if s.engine.happened[a.until] {
		return Strike{}, false
	}
	s.decision.Until = a.until
	return Strike{Effect: "held"}, true
}
