package assertions

import (
	"fmt"
	"slices"
	"strings"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// judgePath wants the one socket that fits to be seen in exactly these states. Listeners are
// ignored unless LISTEN is among the states: a server's listener shares its local port with every
// connection. CLOSED at the end must be named: a path without it says that the socket outlives the
// run.
func judgePath(ev *evidence, e *language.Expectation, v *draft) {
	x := e.Path
	want := language.StatePath(x.States)
	lines := ev.timelines(&x.Path)
	if !slices.Contains(x.States, language.Listening) {
		lines = slices.DeleteFunc(lines, func(l *timeline) bool {
			return ev.t.Events[l.events[0]].Socket.State == string(language.Listening)
		})
	}
	if len(lines) != 1 {
		v.saw(false, "one socket of "+x.Path.String(), say.Count(len(lines), "socket"))
		ev.listStates(&x.Path, lines, v)
		return
	}
	var path []language.State
	for _, i := range lines[0].events {
		if s := language.State(ev.t.Events[i].Socket.State); len(path) == 0 ||
			path[len(path)-1] != s {
			path = append(path, s)
			v.Sockets = append(v.Sockets, i)
		}
	}
	if slices.Equal(path, x.States) {
		v.saw(true, want, want)
		return
	}
	v.fail(want, language.StatePath(path), fmt.Sprintf("wanted %s, saw %s: %s", want,
		language.StatePath(path), pathDifference(x.States, path)))
	ev.listStates(&x.Path, lines, v)
}

// pathDifference says where two paths begin to differ.
func pathDifference(want, got []language.State) string {
	for i := range want {
		switch {
		case i >= len(got):
			return fmt.Sprintf("it ended in %s and never came to %s", got[len(got)-1],
				language.StatePath(want[i:]))
		case want[i] != got[i] && i == 0:
			return fmt.Sprintf("it began in %s, not in %s", got[0], want[0])
		case want[i] != got[i]:
			return fmt.Sprintf("after %s it went to %s, not to %s", got[i-1], got[i], want[i])
		}
	}
	more := strings.ReplaceAll(language.StatePath(got[len(want):]), "CLOSED", "CLOSED (gone)")
	return fmt.Sprintf("after %s it went on to %s", want[len(want)-1], more)
}
