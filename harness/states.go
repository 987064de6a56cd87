package harness

import (
	"net/netip"
	"sync"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// stateWatches are the events of a run that happen when a socket is seen in a state. The methods are safe
// for concurrent use.
type stateWatches struct {
	mu  sync.Mutex
	all []*stateWatch // what they have seen is guarded by mu
}

// stateWatch is one of them.
type stateWatch struct {
	event *language.Event
	// sockets are the cookies of those that were seen in the state.
	sockets map[uint64]bool
}

func (w *stateWatch) over() bool { return len(w.sockets) >= w.event.N }

// newStateWatches returns the watches of the events of a scenario that are of states.
func newStateWatches(s *language.Scenario) *stateWatches {
	w := &stateWatches{}
	for _, e := range s.WatchedEvents() {
		if e.State != nil {
			w.all = append(w.all, &stateWatch{event: &e.Event, sockets: map[uint64]bool{}})
		}
	}
	return w
}

// takes reports whether an event still waits for sockets such as this one.
func (w *stateWatch) takes(host, local, remote, state string) bool {
	return !w.over() && w.event.State.Takes(host, portOf(local), portOf(remote), language.State(state))
}

// portOf returns the port of an address; 0 if it has none.
func portOf(address string) int {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0
	}
	return int(a.Port())
}

// see takes a socket that is in a state, and returns the events that happen now. counts is false if no
// event waits for the socket, as when all of them have seen it before.
func (w *stateWatches) see(
	host string, cookie uint64, local, remote, state string,
) (happened []trace.Watched, counts bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.all {
		if one.sockets[cookie] || !one.takes(host, local, remote, state) {
			continue
		}
		counts = true
		if one.sockets[cookie] = true; one.over() {
			happened = append(happened, trace.Watched{
				Event: string(one.event.Ref()), Happened: true, Seen: int64(one.event.N), Host: host,
			})
		}
	}
	return happened, counts
}

// looks returns the hosts whose sockets must be looked at often, because an event waits for one: all
// such hosts or, with exact transitions, those of states that these do not show.
func (w *stateWatches) looks(exact bool) map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	hosts := map[string]bool{}
	for _, one := range w.all {
		if !one.over() && !(exact && one.event.State.Exact()) {
			hosts[one.event.State.Host] = true
		}
	}
	return hosts
}

// left returns the events that have not happened, and how many sockets were seen.
func (w *stateWatches) left() []trace.Watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []trace.Watched
	for _, one := range w.all {
		if !one.over() {
			all = append(all, trace.Watched{Event: string(one.event.Ref()), Seen: int64(len(one.sockets))})
		}
	}
	return all
}
