package queue

// reject takes the packet away and tells its sender.
type reject struct{ with string }

func (a *reject) strike(s *strike) (Strike, bool) {
	s.decision.Drop = true
	var answer []byte
	if a.with == "tcp-reset" {
		answer = forgeReset(&s.packet.decoded, toSender)
	} else {
		answer = forgeUnreachable(s, a.with)
	}
	if answer != nil {
		s.extra(Extra{Data: answer})
	}
	return Strike{Effect: "rejected"}, true
}
