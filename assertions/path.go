package assertions

import (
	"fmt"
	"slices"
	"strings"

	"halfopen/internal/proof"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgePath wants the one socket that fits to go through exactly these states. Listeners are
// ignored unless LISTEN is among the states: a server's listener shares its local port with every
// connection. CLOSED at the end must be named: a path without it says that the socket outlives the
// run.
func judgePath(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Path
	want := x.Way()
	lives := ev.lives(&x.Path)
	if !slices.ContainsFunc(x.States,
		func(s language.PathState) bool { return s.State() == language.Listening }) {
		lives = slices.DeleteFunc(lives, (*proof.Socket).Listener)
	}
	opens := x.Path
	opens.State = language.States{language.SynSent}
	if blind := ev.blind(&opens); blind != "" && len(lives) == 0 {
		ev.unseen(x.Path.Host, "one socket of "+x.Path.String(), blind, v)
		return
	}
	if len(lives) != 1 {
		v.saw(WrongPath, false, "one socket of "+x.Path.String(), say.Count(len(lives), "socket"))
		ev.listStates(&x.Path, lives, v)
		return
	}
	v.Sockets = append(v.Sockets, lives[0].Samples...)
	var fits judged
	var seen []string
	difference := ""
	for _, path := range lives[0].Paths {
		states := make([]language.State, len(path))
		for i, p := range path {
			states[i] = language.State(stateText(p.State))
		}
		ok := x.Fits(states)
		fits.add(ok)
		if slices.ContainsFunc(path, func(p proof.Phase) bool { return p.State == proof.Unknown }) {
			fits.add(!ok) // it may have been as wanted
		}
		seen = append(seen, language.StatePath(states))
		if !ok && difference == "" {
			difference = pathDifference(x, states)
		}
	}
	got := strings.Join(seen, " or ")
	switch {
	case fits.always():
		v.saw(WrongPath, true, want, got)
	case fits.maybe():
		ev.unseen(x.Path.Host, want, "which way it went: "+got, v)
	default:
		v.fail(WrongPath, want, got, fmt.Sprintf("wanted %s, saw %s: %s", want, got, difference))
	}
	if v.Status == Fail {
		ev.listStates(&x.Path, lives, v)
	}
}

// pathDifference says where the states of a socket leave the path.
func pathDifference(x *language.PathExpectation, got []language.State) string {
	at, next := x.Follow(got)
	var missing []string
	for _, s := range x.States[next:] {
		missing = append(missing, string(s))
	}
	switch {
	case len(got) == 0:
		return "it may never have existed"
	case at == len(got):
		return fmt.Sprintf("it ended in %s and never came to %s", got[at-1],
			strings.Join(missing, " > "))
	case at == 0:
		return fmt.Sprintf("it began in %s, not in %s", got[0], missing[0])
	case len(missing) > 0:
		return fmt.Sprintf("after %s it went to %s, not to %s", got[at-1], got[at], missing[0])
	}
	more := strings.ReplaceAll(language.StatePath(got[at:]), "CLOSED", "CLOSED (gone)")
	return fmt.Sprintf("after %s it went on to %s", got[at-1], more)
}
