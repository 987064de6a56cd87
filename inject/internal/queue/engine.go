package queue

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// Decision is what happens to a packet. The zero Decision lets it pass as it is, at once.
type Decision struct {
	// Drop takes the packet away.
	Drop bool
	// Data is the packet as changed; nil where it is not.
	Data []byte
	// At is the time before which the packet must not pass; 0 is at once.
	At time.Duration
	// Until are the events before which it must not pass.
	Until []language.EventRef
	// Behind is how many later packets of its direction must pass before it. If they do not come, it passes all the same
	// once it has waited for Patience beyond At and Until.
	Behind   int
	Patience time.Duration
	// Direction tells packets apart that overtake each other.
	Direction Direction
	// Extras are sent after the packet, or at once where it is dropped.
	Extras []Extra
	// Strikes are the faults that struck, in order.
	Strikes []Strike
}

// Extra is a packet besides: a copy, or one forged.
type Extra struct {
	Data []byte
	// After is how long after the packet passed it is sent; Until, if set, the event before which it is not.
	After time.Duration
	Until language.EventRef
}

// Direction is one way of a connection; ports are 0 for packets without.
type Direction struct {
	Proto    string
	Src, Dst netip.AddrPort
}

// Strike is one hit of a fault.
type Strike struct {
	Fault string
	// N counts the fault's hits, from 1.
	N uint64
	// Effect says what was done to the packet.
	Effect packet.Effect
	// By is for how long, where the effect has a time.
	By time.Duration
	// Packet is the packet as it arrived, at most [StrikeBytes] of it from its IP header on.
	Packet []byte
}

// StrikeBytes is how much of a packet a [Strike] tells: all headers, to know it again by.
const StrikeBytes = 128

// queued is one packet on its way through the rules.
type queued struct {
	place   Place
	arrived []byte
	decoded packet.Decoded
	flow    packet.Flow
	// data is a changed copy of arrived; nil where nothing is changed.
	data []byte
}

// writable returns the packet's bytes, to be changed.
func (p *queued) writable() []byte {
	if p.data == nil {
		p.data = slices.Clone(p.arrived)
	}
	return p.data
}

// bytes returns the packet as it is by now.
func (p *queued) bytes() []byte {
	if p.data != nil {
		return p.data
	}
	return p.arrived
}

// length is that of the whole packet, of which only the headers may be here.
func (p *queued) length() int {
	b := p.arrived
	n := 0
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		n = int(binary.BigEndian.Uint16(b[2:]))
	case len(b) >= 40 && b[0]>>4 == 6:
		n = 40 + int(binary.BigEndian.Uint16(b[4:]))
	}
	return max(n, len(b))
}

// whole reports whether all of the packet is here.
func (p *queued) whole() bool { return p.length() == len(p.arrived) }

// Engine decides what happens to packets. Its methods may be called from several goroutines.
type Engine struct {
	hosts selector.Hosts

	mu    sync.Mutex
	rules []*ruleState
	flows *packet.Flows // nil where no rule needs them
	// happened has the events that some rule waits for, and whether they have happened.
	happened map[language.EventRef]bool
	// packet is the one that is being decided; its memory is used anew by each.
	packet queued
}

// NewEngine returns an engine with all rules out of force. Seed feeds what is random in them: the same seed and the same
// packets in the same order give the same decisions. It refuses a rule whose selector has a key that it cannot judge.
func NewEngine(rules []*Rule, hosts selector.Hosts, seed uint64) (*Engine, error) {
	e := &Engine{hosts: hosts, happened: map[language.EventRef]bool{}}
	for _, r := range rules {
		state, err := newRuleState(r, hosts, seed)
		if err != nil {
			return nil, err
		}
		e.rules = append(e.rules, state)
		if r.NeedsFlow() && e.flows == nil {
			e.flows = packet.NewFlows()
		}
		for _, event := range language.EventRefs(&r.Do) {
			e.happened[event.Canonical()] = false
		}
	}
	return e, nil
}

// Set puts a fault in force or out of it. Packets that wait go on waiting.
func (e *Engine) Set(fault string, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rules {
		if r.Fault == fault {
			r.on = on
		}
	}
}

// Hits returns how many packets a fault has struck.
func (e *Engine) Hits(fault string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rules {
		if r.Fault == fault {
			return r.hits
		}
	}
	return 0
}

// Happened reports an event, in canonical form, that something may wait for.
func (e *Engine) Happened(event language.EventRef) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, some := e.happened[event]; some {
		e.happened[event] = true
	}
}

// HasHappened reports whether an event, in canonical form, has happened.
func (e *Engine) HasHappened(event language.EventRef) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.happened[event]
}

// Decide holds a packet, from its IP header on, against the rules of a place. It takes any bytes, and keeps none
// of them, nor does the decision.
func (e *Engine) Decide(at Place, data []byte, now time.Duration) Decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.packet = queued{place: at, arrived: data, decoded: packet.DecodeIP(data)}
	defer func() { e.packet = queued{} }()
	p := &e.packet
	if e.flows != nil {
		p.flow = e.flows.Track(&p.decoded, at.Host, at.Hook, false)
	}
	d := Decision{Direction: directionOf(&p.decoded)}
	for _, r := range e.rules {
		if !r.on || !r.selects(p) {
			continue
		}
		r.matched++
		if !r.takes(r.matched, r.rng) {
			continue
		}
		s, struck := r.action.strike(&strike{engine: e, packet: p, decision: &d, now: now})
		if !struck {
			continue
		}
		r.hits++
		s.Fault, s.N, s.Packet = r.Fault, r.hits, slices.Clone(data[:min(len(data), StrikeBytes)])
		d.Strikes = append(d.Strikes, s)
		if d.Drop {
			d.At, d.Until, d.Behind, d.Patience = 0, nil, 0, 0
			// Copies of what does not pass are not made; what was forged is sent.
			d.Extras = slices.DeleteFunc(d.Extras, func(x Extra) bool { return x.Data == nil })
			return d
		}
	}
	d.Data = p.data
	for i := range d.Extras {
		if x := &d.Extras[i]; x.Data == nil {
			x.Data = slices.Clone(p.bytes()) // a copy of the packet as it leaves
		}
	}
	return d
}

func directionOf(d *packet.Decoded) Direction {
	return Direction{d.Proto, netip.AddrPortFrom(d.Src, d.SPort), netip.AddrPortFrom(d.Dst, d.DPort)}
}

// strike is what an action works on.
type strike struct {
	engine   *Engine
	packet   *queued
	decision *Decision
	now      time.Duration
}

// wait puts the packet's release off by that much, on top of what other faults ask for.
func (s *strike) wait(by time.Duration) { s.decision.At = max(s.decision.At, s.now) + by }

// receiver returns the first address of the host that the packet is for; of one that is no host's, its own.
func (s *strike) receiver() netip.Addr {
	dst := s.packet.decoded.Dst
	for _, addrs := range s.engine.hosts {
		if slices.Contains(addrs, dst) {
			return addrs[0]
		}
	}
	return dst
}

// extra has a packet sent besides: a copy where it has no data.
func (s *strike) extra(x Extra) { s.decision.Extras = append(s.decision.Extras, x) }
