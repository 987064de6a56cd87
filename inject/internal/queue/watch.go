package queue

import (
	"slices"
	"time"

	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// Watch is an event: the Nth packet that a selector takes at one of the hooks.
type Watch struct {
	// Event is the event in canonical form.
	Event language.EventRef
	Hooks []Hook
	Match language.Selector
	// Nth counts from 1.
	Nth uint64
}

// NeedsFlow reports whether judging the packets requires following connections.
func (w *Watch) NeedsFlow() bool { return selector.NeedsFlow(&w.Match) }

// NeedsPayload reports whether the selector reads more of a packet than its headers.
func (w *Watch) NeedsPayload() bool { return selector.NeedsPayload(&w.Match) }

// Sighting is an event that happens with a packet.
type Sighting struct {
	Event language.EventRef
	// N counts the packets, that of the event included.
	N uint64
	// At is when the packets before it had left; [Engine.Decide] does not set it.
	At time.Duration
	// Packet is the packet as it arrived, from its IP header on, at most [StrikeBytes] of it.
	Packet []byte
}

// watchState is a watch and its state.
type watchState struct {
	*Watch
	match *selector.Matcher
	conns selector.Conns
	seen  uint64
}

// over reports whether the event has happened.
func (w *watchState) over() bool { return w.seen >= w.Nth }

// Watch makes the engine watch for an event. It must be called before the first packet comes.
func (e *Engine) Watch(w *Watch) error {
	match, err := selector.New(&w.Match, e.hosts)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watches = append(e.watches, &watchState{Watch: w, match: match})
	e.follow()
	return nil
}

// Seen returns how many packets of an event, in canonical form, have come, up to the one of the event, and
// whether that has.
func (e *Engine) Seen(event language.EventRef) (n uint64, happened bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.watches, func(w *watchState) bool { return w.Event == event })
	return e.watches[i].seen, e.watches[i].over()
}

// sightings returns the events that happen with a packet. It is called with mu held.
func (e *Engine) sightings(p *queued) []Sighting {
	var all []Sighting
	for _, w := range e.watches {
		if w.over() || !slices.Contains(w.Hooks, p.hook) {
			continue
		}
		if w.Match.Conn > 0 {
			w.conns.See(w.match, &p.decoded, &p.flow)
		}
		if !w.match.Matches(&p.decoded, &p.flow) || !w.conns.Takes(w.match, &p.flow) {
			continue
		}
		if w.seen++; w.over() {
			all = append(all, Sighting{
				Event: w.Event, N: w.seen, Packet: slices.Clone(p.arrived[:min(len(p.arrived), StrikeBytes)]),
			})
		}
	}
	if len(all) > 0 {
		e.follow()
	}
	return all
}
