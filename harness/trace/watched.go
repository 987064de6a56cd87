package trace

// Watched says how far an event has come that the run watches for, because its scenario waits for it: a
// line of a program. It is written when the event has happened.
type Watched struct {
	// Event is its reference in canonical form, as language.EventRef has it.
	Event string `json:"event"`
	// Happened is set if the event happened at T.
	Happened bool `json:"happened,omitempty"`
	// Seen counts what was as the event wants it, up to now.
	Seen int64 `json:"seen,omitempty"`
}
