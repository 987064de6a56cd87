package fault

import (
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// model says what a set of faults does to packets: it is what docs/scenario-language.md says, written down a second time, and
// uses nothing of the queue. Of what is random it knows the rule: each fault draws from a source of its own, seeded by
// the run's seed and its name.
type model struct {
	faults   []*mischief
	happened map[string]bool
}

// mischief is one fault as the model has it. Its other fields are as in the language; chance is below 0 where there is none.
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

// act is what a fault does to a packet; false where it leaves it alone, which is no hit.
type act func(m *model, f *mischief, p *fate) (effect string, struck bool)

// fate is what becomes of a packet.
type fate struct {
	sent    *sample
	leaves  sample
	now     time.Duration
	lost    bool
	strikes []struckBy
	// at is when it may leave, 0 for at once; waits are what it waits for besides.
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

// wait is what one fault delays a packet by, at least.
type wait struct {
	fault *mischief
	by    time.Duration
	sort  sort
}

// sort tells delays apart by what they do to the order of packets.
type sort int

const (
	fixed sort = iota
	keeps      // jitter that does not
	free       // jitter that does
)

// extra is a copy, or something forged.
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

// treat says what becomes of a packet that comes at that time.
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
		f.hits++
		p.strikes = append(p.strikes, struckBy{f.name, effect, f.hits})
		if p.lost {
			p.at, p.waits, p.until, p.behind = 0, nil, nil, 0
			p.extras = slices.DeleteFunc(p.extras, func(x extra) bool { return !x.forged })
			break
		}
	}
	return p
}

// delayed is how long the faults delay the packet, at least.
func (p *fate) delayed() (sum time.Duration) {
	for _, w := range p.waits {
		sum += w.by
	}
	return sum
}

// atOnce is true of a packet that nothing keeps.
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

// before reports whether p, which came first, must leave before q of the same two hosts, one way.
func (m *model) before(p, q *fate) bool {
	if p.behind > 0 || len(p.until) > 0 && !slices.Equal(p.until, q.until) {
		return false
	}
	if len(p.until) > 0 {
		return len(p.waits) == 0 && len(q.waits) == 0 // both are let go by the same event
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
