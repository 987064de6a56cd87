package language

import (
	"strings"
	"time"
)

// HoldsExpectation wants a socket to stay in a state.
type HoldsExpectation struct {
	Holds SocketSelector `json:"holds" jsonschema_description:"A socket is in this state, and stays so. Which states a socket goes through is known from the kernel's tracepoints, or else from packets, steps and samples; what they leave open fails."`
	From  EventRef       `json:"from,omitempty" jsonschema_description:"From this event on. Default: from when it comes to the state."`
	Until EventRef       `json:"until,omitempty" jsonschema_description:"Until this event."`
	For   *Span          `json:"for,omitempty" jsonschema_description:"How long it stays so in all: 5s is 5 s and not longer, '>= 5s' at least 5 s. Default: until the run ends."`
}

func (h *HoldsExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&h.Holds, pos)
	v.window(&h.From, &h.Until, pos)
}

// String is the title of its verdict: "holds: client in ESTABLISHED from client.connect for at
// least 5s".
func (h *HoldsExpectation) String() string {
	title := "holds: " + h.Holds.String()
	if h.From != "" {
		title += " from " + string(h.From)
	}
	if h.Until != "" {
		title += " until " + string(h.Until)
	}
	if h.For != nil {
		title += " " + h.howLong()
	}
	return title
}

// howLong says for how long the state holds, and whether it may hold longer.
func (h *HoldsExpectation) howLong() string {
	switch text := h.For.Source; {
	case h.For.Timer:
		return "for " + text + ", not longer"
	case strings.HasPrefix(text, ">="):
		return "for at least " + strings.TrimSpace(text[2:])
	case strings.HasPrefix(text, "<="):
		return "for at most " + strings.TrimSpace(text[2:])
	default:
		return "for " + text // a range, or a bound with its sign
	}
}

func (h *HoldsExpectation) lasts(latest bool) time.Duration { return lastsOf(h.For, latest) }

func (h *HoldsExpectation) begins() EventRef { return h.From }

func (h *HoldsExpectation) observed() bool { return true }

func (h *HoldsExpectation) sampledAt() []EventRef { return []EventRef{h.From, h.Until} }
