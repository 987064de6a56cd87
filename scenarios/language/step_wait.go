package language

import "time"

// Wait waits for an event.
type Wait struct {
	Event   EventRef `yaml:",short" json:"event" jsonschema_description:"The event to wait for."`
	Timeout Duration `json:"timeout,omitempty" jsonschema_description:"Give up after this with ETIMEDOUT. Default: never."`
}

func (w *Wait) check(v *validation, a *Actor, st *Step) { v.awaits(a, st, &w.Event) }

func (*Wait) sockets(v *validation, st *Step, _ *socketsMade) { v.needsNoSocket(st) }

func (w *Wait) lasts() time.Duration { return time.Duration(w.Timeout) }

// Outcomes lists what expectations can judge.
func (*Wait) Outcomes() []Outcome { return []Outcome{OutcomeResult} }

// Arguments returns the event.
func (w *Wait) Arguments() string { return string(w.Event) }
