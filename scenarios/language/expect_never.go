package language

// NeverExpectation wants no socket to be seen in a state.
type NeverExpectation struct {
	Never SocketSelector `json:"never" jsonschema_description:"No such socket is ever seen."`
	From  EventRef       `json:"from,omitempty" jsonschema_description:"From this event on."`
	Until EventRef       `json:"until,omitempty" jsonschema_description:"Until this event."`
}
