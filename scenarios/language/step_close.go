package language

import "time"

// Close is close(2).
type Close struct{}

func (*Close) check(*validation, *Actor, *Step) {}

func (*Close) sockets(v *validation, st *Step, made *socketsMade) { v.needsSocket(st, made) }

func (*Close) lasts() time.Duration { return 0 }

// Outcomes lists what expectations can judge.
func (*Close) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns "": there are no operands.
func (*Close) Arguments() string { return "" }
