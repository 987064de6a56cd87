package language

// LogEvent is the event that a program has printed the nth line of some: the line has come to its end,
// or the program has ended after it.
type LogEvent struct {
	Lines
	Nth int `json:"nth,omitempty" jsonschema_description:"Which of the lines, counted from 1. Default: the first."`
}

func (l *LogEvent) event() Event {
	actor, step, _ := l.Log.Split()
	return Event{Kind: EventLog, Actor: actor, Step: step, N: max(l.Nth, 1), Log: l}
}

func (l *LogEvent) check(v *validation, pos Pos) bool {
	before := len(v.errs)
	l.Lines.check(v, pos)
	v.nth(&l.Nth, pos, l.Nth, "lines")
	return len(v.errs) == before
}

func (l *LogEvent) watched(*Scenario) string { return "in what the program prints" }
