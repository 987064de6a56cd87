package language

import (
	"slices"
	"strings"
	"time"

	"halfopen/internal/code"
)

// PathExpectation wants a socket to go through exactly these states.
type PathExpectation struct {
	Path   SocketSelector `json:"path" jsonschema_description:"The socket; exactly one must fit. A second one with the same ports is another socket."`
	States []PathState    `json:"states" jsonschema_description:"Exactly the states that the socket goes through, in order, however briefly; STATE? may be missing. CLOSED at the end means that the socket is gone. If the way could not be seen, it fails."`
}

// PathState is a state of a path, with ? after it if the path may leave it out: "TIME_WAIT?".
type PathState string

// State returns the state.
func (p PathState) State() State { return State(strings.TrimSuffix(string(p), "?")) }

// Optional reports whether a path may leave the state out.
func (p PathState) Optional() bool { return strings.HasSuffix(string(p), "?") }

// Set reads a state by any of its names, see [State.Set].
func (p *PathState) Set(text string) error {
	name, optional := strings.CutSuffix(text, "?")
	var s State
	if err := s.Set(name); err != nil {
		return err
	}
	*p = PathState(s)
	if optional {
		*p += "?"
	}
	return nil
}

func (p *PathExpectation) check(v *validation, pos Pos) {
	v.socketSelector(&p.Path, pos)
	if len(p.Path.State) > 0 {
		v.errorf(code.MisplacedKey, &p.Path.State, pos,
			"path: the key state does not belong here; list the states under states")
	}
	if len(p.States) == 0 {
		v.errorf(code.MissingKey, &p.States, pos,
			"states: want the states the socket goes through, such as [SYN_SENT, ESTABLISHED]")
	}
	for i := range p.States {
		state := p.States[i].State()
		if state == Closed && i < len(p.States)-1 {
			v.errorf(code.WrongOrder, &p.States[i], pos,
				"states: CLOSED must come last, the socket is gone then")
		}
		if state == Unbound {
			v.errorf(code.Unsupported, &p.States[i], pos, "%s", unboundUnseen)
		}
		if i > 0 && state == p.States[i-1].State() {
			v.errorf(code.DuplicateEntry, &p.States[i], pos,
				"states: %s is listed twice in a row, but seen as one; keep one", state)
		}
	}
	if !slices.ContainsFunc(p.States, func(s PathState) bool { return !s.Optional() }) &&
		len(p.States) > 0 {
		v.errorf(code.MissingValue, &p.States, pos,
			"states: want one state at least that is not optional")
	}
}

// Fits reports whether a socket that went through these states went the path.
func (p *PathExpectation) Fits(states []State) bool {
	at, places := p.follow(states)
	return at == len(states) && places[len(p.States)]
}

// Follow returns how many of a socket's states follow the path, and how many states of the path
// they take up at least.
func (p *PathExpectation) Follow(states []State) (at, next int) {
	at, places := p.follow(states)
	return at, slices.Index(places, true)
}

// follow returns how many of a socket's states follow the path, and at each of the path's states,
// and at its end, whether the next one may be found there: optional states may be left out.
func (p *PathExpectation) follow(states []State) (at int, places []bool) {
	places = p.leavingOut(append([]bool{true}, make([]bool, len(p.States))...))
	for ; at < len(states); at++ {
		next := make([]bool, len(places))
		for i := range p.States {
			next[i+1] = places[i] && p.States[i].State() == states[at]
		}
		if !slices.Contains(next, true) {
			break
		}
		places = p.leavingOut(next)
	}
	return at, places
}

// leavingOut adds the places after optional states.
func (p *PathExpectation) leavingOut(places []bool) []bool {
	for i := range p.States {
		places[i+1] = places[i+1] || places[i] && p.States[i].Optional()
	}
	return places
}

// Way returns the path in words: "SYN_SENT > ESTABLISHED > TIME_WAIT?".
func (p *PathExpectation) Way() string { return strings.Join(texts(p.States...), " > ") }

// String is the title of its verdict: "path of client: SYN_SENT > ESTABLISHED".
func (p *PathExpectation) String() string {
	return "path of " + p.Path.String() + ": " + p.Way()
}

func (*PathExpectation) lasts(bool) time.Duration { return 0 }

func (*PathExpectation) begins() EventRef { return "" }

func (*PathExpectation) observed() bool { return true }

func (*PathExpectation) sampledAt() []EventRef { return nil }
