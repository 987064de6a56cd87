package proof

import "slices"

// edges is TCP's state machine as the kernel has it: the states that can follow each state. A
// socket may also end in any state.
var edges = map[string][]string{
	none:        {synSent, synRecv},
	synSent:     {established, synRecv},
	synRecv:     {established, finWait1},
	established: {finWait1, closeWait},
	finWait1:    {finWait2, closing},
	finWait2:    {timeWait},
	closing:     {timeWait},
	closeWait:   {lastAck},
}

// routes returns the ways from one state to another, without the first and with the last. There are
// none if the state machine does not lead there.
func routes(from, to string) [][]string {
	if from == to {
		return [][]string{nil}
	}
	var all [][]string
	if to == closed && from != none {
		all = append(all, []string{closed})
	}
	for _, next := range edges[from] {
		for _, rest := range routes(next, to) {
			all = append(all, slices.Concat([]string{next}, rest))
		}
	}
	return all
}

// unheard returns the paths of a life of which no packet was captured: samples, and between them
// every way that leads from one to the next.
func (l *life) unheard() [][]Phase {
	paths := [][]Phase{nil}
	state, last := none, l.items[0].at
	if first := l.items[0].s; first != nil {
		last = first.Last
	}
	if opened := l.conn.opened(l.items[0].at); opened >= 0 {
		last = opened
	}
	for i := range l.items {
		it := &l.items[i]
		if it.kind != sample || it.s.State == state {
			continue
		}
		ways := routes(state, it.s.State)
		if len(ways) == 0 {
			ways = [][]string{{Unknown, it.s.State}}
		}
		var longer [][]Phase
		for _, path := range paths {
			for _, way := range ways {
				p := slices.Clone(path)
				for _, s := range way {
					p = append(p, Phase{State: s, Earliest: last, From: it.at, Source: BySample, Event: it.event})
				}
				longer = append(longer, p)
			}
		}
		if len(longer) > mostWays {
			longer = longer[:1]
			longer[0] = append(longer[0][:len(longer[0])-1], Phase{
				State: Unknown, Earliest: last, From: it.at, Source: BySample, Event: it.event,
			})
		}
		paths, state, last = longer, it.s.State, it.at
	}
	return paths
}
