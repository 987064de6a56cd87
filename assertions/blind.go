package assertions

import (
	"slices"

	"halfopen/internal/proof"
	"halfopen/scenarios/language"
)

// blind says which sockets in one of the states nothing would have shown; "" if none.
func (ev *evidence) blind(x *language.SocketSelector) string {
	is := func(s language.State) bool { return stateIs(x.State, string(s)) }
	// The kernel does not show requests and TIME_WAIT: only packets and looks do.
	hidden := is(language.SynRecv) || is(language.TimeWait)
	if text := ev.translated(x, hidden); text != "" || ev.exact[x.Host] {
		return text
	}
	programs := false
	for i := range ev.t.Events {
		s := ev.t.Events[i].Start
		programs = programs || s != nil && language.RunsProgram(s.Op) && ev.scene.Host(s.Actor) == x.Host
	}
	switch lost := is(language.SynSent) && !ev.scene.Output(x.Host); {
	case programs && is(language.Listening):
		return "whether a program's socket listened for a moment"
	case programs && lost:
		return "whether the SYN of a program was taken away"
	case lost:
		return ev.lostSYN(x)
	}
	return ""
}

// hiddenPorts is what no run shows of a scenario that translates addresses.
const hiddenPorts = "whether a socket had these ports: the scenario may translate addresses"

// translated says why nothing shows whether a socket had the wanted ports; "" if they are known.
// hidden is true if only packets show the states that are wanted.
func (ev *evidence) translated(x *language.SocketSelector, hidden bool) string {
	if len(x.Local)+len(x.Remote) > 0 && ev.scene.Translates(x.Host) &&
		(hidden || !ev.exact[x.Host]) {
		return hiddenPorts
	}
	return ""
}

// lostSYN says of which connect of a host nothing shows whether it came to SYN_SENT: its SYN may have
// been taken away before the capture.
func (ev *evidence) lostSYN(x *language.SocketSelector) string {
	all := ev.lives(&language.SocketSelector{Host: x.Host})
	for i := range ev.t.Events {
		s := ev.t.Events[i].Step
		if s == nil || s.Op != "connect" || ev.scene.Host(s.Actor) != x.Host ||
			s.Local != "" && !portIs(x.Local, s.Local) ||
			s.Remote != "" && !portIs(x.Remote, s.Remote) {
			continue
		}
		if !slices.ContainsFunc(all, func(l *proof.Socket) bool {
			return l.Cookie == s.Cookie && s.Cookie != 0 || l.Local == s.Local && l.Remote == s.Remote
		}) {
			return "whether the SYN of " + s.Actor + "." + s.ID + " was taken away"
		}
	}
	return ""
}
