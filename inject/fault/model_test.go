package fault

import (
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// model predicts what a set of faults does to packets: docs/scenario-language.md, written down a
// second time, without any code of the queue. It knows how random decisions are drawn: each fault
// draws from a separate source, seeded by the run's seed and its name.
type model struct {
	faults   []*mischief
	happened map[string]bool
}

// mischief is one fault of the model. Its other fields are as in the language; chance is below 0 if
// there is none.
type mischief struct {
	name, yaml         string
	match              func(*sample) bool
	nth                []int
	skip, first, every int
	chance             float64
	act                act

	on      bool
	rng     *rand.Rand
	matched int
	hits    int
}

// act applies a fault to a packet. It reports false if it leaves the packet alone, which is not a
// hit.
type act func(m *model, f *mischief, p *fate) (effect string, struck bool)

// fate is the model's prediction for a packet.
type fate struct {
	sent    *sample
	leaves  sample
	now     time.Duration
	lost    bool
	strikes []struckBy
	// open are strikes that count only once the packet has been overtaken, or sent again.
	open []struckBy
	// at is when it may leave, 0 for at once; waits are the other things it waits for.
	at     time.Duration
	waits  []wait
	until  []string
	behind int
	extras []extra
}

type struckBy struct {
	fault, effect string
	n             int
}

// wait is the minimum delay of a packet by one fault.
type wait struct {
	fault *mischief
	by    time.Duration
	sort  sort
}

// sort classifies delays by what they do to the order of packets.
type sort int

const (
	fixed sort = iota
	keeps      // jitter that keeps the order
	free       // jitter that lets packets overtake
)

// extra is a copy, or a forged packet.
type extra struct {
	forged bool
	after  time.Duration
	until  string
}

func newModel(faults []*mischief, seed uint64) *model {
	for _, f := range faults {
		h := fnv.New64a()
		h.Write([]byte(f.name))
		f.rng = rand.New(rand.NewPCG(seed, h.Sum64()))
	}
	return &model{faults: faults, happened: map[string]bool{}}
}

// takes is the trigger.
func (f *mischief) takes() bool {
	f.matched++
	if len(f.nth) > 0 && !slices.Contains(f.nth, f.matched) {
		return false
	}
	left := f.matched - f.skip
	switch {
	case left <= 0, f.first > 0 && left > f.first, f.every > 0 && left%f.every != 0:
		return false
	case f.chance < 0:
		return true
	}
	return f.rng.Float64() < f.chance
}

// treat predicts what happens to a packet that comes at that time.
func (m *model) treat(s *sample, now time.Duration) *fate {
	p := &fate{sent: s, leaves: *s, now: now}
	for _, f := range m.faults {
		if !f.on || !f.match(s) || !f.takes() {
			continue
		}
		effect, struck := f.act(m, f, p)
		if !struck {
			continue
		}
		if effect == "reordered" || effect == "to be replayed" {
			p.open = append(p.open, struckBy{f.name, effect, 0})
			continue
		}
		if p.lost {
			p.at, p.waits, p.until, p.behind, p.open = 0, nil, nil, 0, nil
			p.extras = slices.DeleteFunc(p.extras, func(x extra) bool { return !x.forged })
			m.withdraw(p, "delayed", "held", "duplicated", "corrupted", "rewritten")
		}
		f.hits++
		p.strikes = append(p.strikes, struckBy{f.name, effect, f.hits})
		if p.lost {
			return p
		}
	}
	if p.leaves.differs(s.bytes()) == "" {
		m.withdraw(p, "corrupted", "rewritten")
	}
	return p
}

// withdraw takes back strikes whose effects came to nothing.
func (m *model) withdraw(p *fate, effects ...string) {
	var left []struckBy
	for _, s := range p.strikes {
		if !slices.Contains(effects, s.effect) {
			left = append(left, s)
			continue
		}
		m.fault(s.fault).hits--
	}
	p.strikes = left
}

func (m *model) fault(name string) *mischief {
	return m.faults[slices.IndexFunc(m.faults, func(f *mischief) bool { return f.name == name })]
}

// delayed returns how long the faults delay the packet, at least.
func (p *fate) delayed() (sum time.Duration) {
	for _, w := range p.waits {
		sum += w.by
	}
	return sum
}

// atOnce reports whether nothing delays the packet.
func (p *fate) atOnce() bool {
	return !p.lost && p.delayed() == 0 && len(p.until) == 0 && p.behind == 0
}

// waitOf reports whether a fault delays the packet, and by how much at least.
func (p *fate) waitOf(f *mischief) (wait, bool) {
	i := slices.IndexFunc(p.waits, func(w wait) bool { return w.fault == f })
	if i < 0 {
		return wait{}, false
	}
	return p.waits[i], true
}

// before reports whether p, which came first, must leave before q of the same two hosts and
// direction.
func (m *model) before(p, q *fate) bool {
	if p.behind > 0 || len(p.until) > 0 && !slices.Equal(p.until, q.until) {
		return false
	}
	if len(p.until) > 0 {
		return len(p.waits) == 0 && len(q.waits) == 0 // both are released by the same event
	}
	ordered := true
	for _, f := range m.faults {
		a, first := p.waitOf(f)
		b, second := q.waitOf(f)
		switch {
		case first && second && a.sort == keeps:
			ordered = true
		case first && second && a.sort == free:
			ordered = ordered && a.by <= b.by
		case first && !second:
			ordered = ordered && a.by == 0 && a.sort != keeps
		}
	}
	return ordered
}

// direction is one way of a connection.
type direction struct {
	proto        string
	from, to     netip.Addr
	sport, dport uint16
}

func (s *sample) direction() direction {
	return direction{s.proto, s.from, s.to, s.sport, s.dport}
}
