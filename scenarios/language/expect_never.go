package language

import "time"

// NeverExpectation wants no socket to be in a state, at any time.
type NeverExpectation struct {
	Never SocketSelector `json:"never" jsonschema_description:"No socket is ever in this state, however briefly. If that could not be seen, it fails."`
	From  EventRef       `json:"from,omitempty" jsonschema_description:"From this event on. Default: from the start of the run."`
	Until EventRef       `json:"until,omitempty" jsonschema_description:"Until this event. Default: until the run ends."`
}

func (n *NeverExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&n.Never, pos)
	v.window(&n.From, &n.Until, pos)
}

// String is the title of its verdict: "never: client in TIME_WAIT until client.close".
func (n *NeverExpectation) String() string {
	title := "never: " + n.Never.String()
	if n.From != "" {
		title += " from " + string(n.From)
	}
	if n.Until != "" {
		title += " until " + string(n.Until)
	}
	return title
}

func (n *NeverExpectation) lasts(bool) time.Duration { return 0 }

func (*NeverExpectation) begins() EventRef { return "" }

func (n *NeverExpectation) observed() bool { return true }

func (n *NeverExpectation) sampledAt() []EventRef { return []EventRef{n.From, n.Until} }
