package language

import "time"

// HoldsExpectation wants a socket to stay in a state.
type HoldsExpectation struct {
	Holds SocketSelector `json:"holds" jsonschema_description:"Some such socket is seen, and stays so."`
	From  EventRef       `json:"from,omitempty" jsonschema_description:"From this event on. Default: from when it is first seen."`
	Until EventRef       `json:"until,omitempty" jsonschema_description:"Until this event."`
	For   *Span          `json:"for,omitempty" jsonschema_description:"How long it stays in that state in all. Default: until the run ends."`
}

func (h *HoldsExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&h.Holds, pos)
	v.window(&h.From, &h.Until, pos)
}

func (h *HoldsExpectation) lasts() time.Duration { return longestOf(h.For) }

func (h *HoldsExpectation) observed() bool { return true }

func (h *HoldsExpectation) sampledAt() []EventRef { return []EventRef{h.From, h.Until} }
