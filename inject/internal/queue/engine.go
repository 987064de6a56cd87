package queue

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"time"

	"halfopen/internal/packet"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// Decision says what happens to a packet. The zero Decision passes it unchanged, at once.
type Decision struct {
	// Drop drops the packet.
	Drop bool
	// Data is the changed packet; nil if it is unchanged.
	Data []byte
	// At is the earliest time at which the packet may pass; 0 means at once.
	At time.Duration
	// Until are the events that must have happened before the packet passes.
	Until []language.EventRef
	// Behind is how many later packets of its direction must pass before it. If they do not come,
	// the packet passes once it has waited for Patience beyond At and Until.
	Behind   int
	Patience time.Duration
	// Direction is the direction of the packet. Only packets of the same direction overtake each
	// other.
	Direction Direction
	// Extras are sent after the packet, or at once if it is dropped.
	Extras []Extra
	// Strikes are the faults that struck, in order.
	Strikes []Strike
	// Seen are the events that happen with the packet.
	Seen []Sighting
	// IfOvertaken are strikes that count only if a later packet passes before this one, once this one
	// passes; then they go to [Engine.Count].
	IfOvertaken []Strike
}

// Extra is an additional packet: a copy, or a forged one.
type Extra struct {
	Data []byte
	// After is the time from the packet's passing to the sending of the extra. If Until is set,
	// that event must have happened too.
	After time.Duration
	Until language.EventRef
	// IfSent is a strike that counts only once the extra has been sent; then it goes to
	// [Engine.Count]. nil if there is none.
	IfSent *Strike
}

// Direction is one direction of a connection. Ports are 0 for packets without ports.
type Direction struct {
	Proto    string
	Src, Dst netip.AddrPort
}

// Strike is one hit of a fault.
type Strike struct {
	Fault string
	// N counts the fault's hits, from 1; 0 until the strike counts.
	N uint64
	// At is when the packet was judged; [Engine.Decide] does not set it.
	At time.Duration
	// Effect says what happened to the packet.
	Effect packet.Effect
	// By is the delay; 0 if the effect has no time.
	By time.Duration
	// Packet is the packet as it arrived, from its IP header on, at most [StrikeBytes] of it.
	Packet []byte
}

// StrikeBytes is how many bytes of a packet a [Strike] holds: all headers, which identify the
// packet.
const StrikeBytes = 128

// queued is one packet while the rules are applied to it.
type queued struct {
	hook    Hook
	arrived []byte
	decoded packet.Decoded
	flow    packet.Flow
	// data is a changed copy of arrived; nil if nothing is changed.
	data []byte
}

// writable returns the packet's bytes for changing.
func (p *queued) writable() []byte {
	if p.data == nil {
		p.data = slices.Clone(p.arrived)
	}
	return p.data
}

// bytes returns the packet with the changes so far.
func (p *queued) bytes() []byte {
	if p.data != nil {
		return p.data
	}
	return p.arrived
}

// length returns the length of the whole packet in bytes, even if only its headers are here.
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

// whole reports whether the packet is here in full.
func (p *queued) whole() bool { return p.length() == len(p.arrived) }

// Engine decides what happens to packets. Its methods may be called from several goroutines.
type Engine struct {
	hosts selector.Hosts
	seed  uint64

	mu    sync.Mutex
	rules []*ruleState
	// watches are the events that packets make.
	watches []*watchState
	flows   *packet.Flows // nil if neither a rule nor a watch needs them
	// happened has the events that rules wait for, and whether each has happened.
	happened map[language.EventRef]bool
	// packet is the packet being decided. Its memory is reused for each packet.
	packet queued
}

// NewEngine returns an engine with all rules out of force. seed seeds their random decisions: the
// same seed, and the same packets in the same order, give the same decisions. A rule is refused if
// its selector has a key that the engine cannot judge.
func NewEngine(rules []*Rule, hosts selector.Hosts, seed uint64) (*Engine, error) {
	e := &Engine{hosts: hosts, seed: seed, happened: map[language.EventRef]bool{}}
	for _, r := range rules {
		if err := e.Add(r); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// follow follows connections if a rule, or a watch that is not over, needs that.
func (e *Engine) follow() {
	needed := slices.ContainsFunc(e.rules, func(r *ruleState) bool { return r.NeedsFlow() }) ||
		slices.ContainsFunc(e.watches, func(w *watchState) bool { return !w.over() && w.NeedsFlow() })
	switch {
	case !needed:
		e.flows = nil
	case e.flows == nil:
		e.flows = packet.NewFlows()
	}
}

// Add adds a rule, out of force. Of packets that were decided before, and of their connections, it
// knows nothing, unless other rules need the flows.
func (e *Engine) Add(r *Rule) error {
	state, err := newRuleState(r, e.hosts, e.seed)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rules = append(e.rules, state)
	for _, event := range language.EventRefs(&r.Do) {
		if _, known := e.happened[event.Canonical()]; !known {
			e.happened[event.Canonical()] = false
		}
	}
	e.follow()
	return nil
}

// Set puts a fault in or out of force. Waiting packets keep waiting.
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

// Count counts a strike that the packet's decision left open, and numbers it.
func (e *Engine) Count(s *Strike) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rules {
		if r.Fault == s.Fault {
			r.hits++
			s.N = r.hits
			return
		}
	}
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

// Decide applies the rules of a place to a packet, given from its IP header on. It accepts any
// bytes. Neither the engine nor the decision keeps a reference to them.
func (e *Engine) Decide(at Hook, data []byte, now time.Duration) Decision {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.packet = queued{hook: at, arrived: data, decoded: packet.DecodeIP(data)}
	defer func() { e.packet = queued{} }()
	p := &e.packet
	if e.flows != nil {
		p.flow = e.flows.Track(&p.decoded, at.Host, at.Chain, false)
	}
	for _, r := range e.rules {
		r.see(p)
	}
	d := Decision{Direction: directionOf(&p.decoded), Seen: e.sightings(p)}
	var struck []*ruleState // by the strikes of d
	for _, r := range e.rules {
		if !r.on || !r.selects(p) {
			continue
		}
		r.matched++
		if !r.takes(r.matched, r.rng) {
			continue
		}
		o := &occasion{engine: e, packet: p, decision: &d, now: now, fault: r.Fault}
		s, hit := r.action.strike(o)
		if !hit {
			continue
		}
		if d.Drop {
			d.At, d.Until, d.Behind, d.Patience, d.IfOvertaken = 0, nil, 0, 0, nil
			// A dropped packet has no copies; forged packets are still sent.
			d.Extras = slices.DeleteFunc(d.Extras, func(x Extra) bool { return x.Data == nil })
			struck = d.withdraw(struck, func(e packet.Effect) bool { return e != packet.EffectReset })
		}
		r.hits++
		s.N = r.hits
		d.Strikes, struck = append(d.Strikes, o.by(s)), append(struck, r)
		if d.Drop {
			return d
		}
	}
	if bytes.Equal(p.data, data) {
		// Several faults changed the packet, and the last one changed it back.
		p.data = nil
		d.withdraw(struck, packet.Effect.Changes)
	}
	d.Data = p.data
	for i := range d.Extras {
		if x := &d.Extras[i]; x.Data == nil {
			x.Data = slices.Clone(p.bytes()) // a copy of the packet as it leaves
		}
	}
	return d
}

// judged sets the time of all strikes.
func (d *Decision) judged(at time.Duration) {
	for i := range d.Strikes {
		d.Strikes[i].At = at
	}
	for i := range d.IfOvertaken {
		d.IfOvertaken[i].At = at
	}
	for _, x := range d.Extras {
		if x.IfSent != nil {
			x.IfSent.At = at
		}
	}
}

// delayedBy returns the last fault that delays the packet, "" if none does.
func (d *Decision) delayedBy() string {
	for _, s := range slices.Backward(d.Strikes) {
		if s.Effect == packet.EffectDelayed {
			return s.Fault
		}
	}
	return ""
}

// withdraw takes back the strikes with effects that later faults have undone: the packet is lost
// now, or as it was. struck are the rules of the strikes; withdraw returns those of the remaining
// ones.
func (d *Decision) withdraw(struck []*ruleState, undone func(packet.Effect) bool) []*ruleState {
	var strikes []Strike
	var rules []*ruleState
	for i, s := range d.Strikes {
		if undone(s.Effect) {
			struck[i].hits--
			continue
		}
		strikes, rules = append(strikes, s), append(rules, struck[i])
	}
	d.Strikes = strikes
	return rules
}

func directionOf(d *packet.Decoded) Direction {
	return Direction{d.Proto, netip.AddrPortFrom(d.Src, d.SPort), netip.AddrPortFrom(d.Dst, d.DPort)}
}

// occasion is the state that an action works on.
type occasion struct {
	engine   *Engine
	packet   *queued
	decision *Decision
	now      time.Duration
	// fault is the name of the rule's fault.
	fault string
}

// by returns a strike of the rule on the packet.
func (s *occasion) by(k Strike) Strike {
	arrived := s.packet.arrived
	k.Fault = s.fault
	k.Packet = slices.Clone(arrived[:min(len(arrived), StrikeBytes)])
	return k
}

// wait delays the packet's release by that time, in addition to what other faults ask for.
func (s *occasion) wait(by time.Duration) { s.decision.At = max(s.decision.At, s.now) + by }

// receiver returns the first address of the host that the packet is for, or the destination address
// if it belongs to no host.
func (s *occasion) receiver() netip.Addr {
	dst := s.packet.decoded.Dst
	for _, addrs := range s.engine.hosts {
		if slices.Contains(addrs, dst) {
			return addrs[0]
		}
	}
	return dst
}

// extra adds an additional packet: a copy if it has no data.
func (s *occasion) extra(x Extra) { s.decision.Extras = append(s.decision.Extras, x) }
