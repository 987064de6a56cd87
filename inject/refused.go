package inject

// RefusedError says that the kernel refuses what a scenario asks for, on this machine as on others:
// the scenario is wrong. Detect it with errors.As; the command exits with status 2.
type RefusedError struct {
	// Text is the message: the place in the scenario if known, what was refused, and what to do.
	Text string `json:"text"`
}

// Error returns the text.
func (e *RefusedError) Error() string { return e.Text }
