package language

import "time"

// PathExpectation wants a socket to go through exactly these states.
type PathExpectation struct {
	Path   SocketSelector `json:"path" jsonschema_description:"The socket, identified by its addresses and ports; exactly one must fit."`
	States []State        `json:"states" jsonschema_description:"Exactly the states that the socket is seen in, in order. CLOSED at the end means that the socket is gone."`
}

func (p *PathExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&p.Path, pos)
	if len(p.Path.State) > 0 {
		v.errorf(&p.Path.State, pos,
			"path: the key state does not belong here; list the states under states")
	}
	if len(p.States) == 0 {
		v.errorf(&p.States, pos,
			"states: want the states the socket goes through, such as [SYN_SENT, ESTABLISHED]")
	}
	for i := range p.States {
		if p.States[i] == Closed && i < len(p.States)-1 {
			v.errorf(&p.States[i], pos, "states: CLOSED must come last, the socket is gone then")
		}
		if i > 0 && p.States[i] == p.States[i-1] {
			v.errorf(&p.States[i], pos,
				"states: %s is listed twice in a row, but seen as one; keep one", p.States[i])
		}
	}
}

// String is the title of its verdict: "path of client: SYN_SENT > ESTABLISHED".
func (p *PathExpectation) String() string {
	return "path of " + p.Path.String() + ": " + StatePath(p.States)
}

func (*PathExpectation) lasts() time.Duration { return 0 }

func (*PathExpectation) begins() EventRef { return "" }

func (*PathExpectation) observed() bool { return true }

func (*PathExpectation) sampledAt() []EventRef { return nil }
