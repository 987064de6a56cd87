package language

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// Fault is a selector, a trigger and an action: which packets, when, and what happens to them.
type Fault struct {
	Name  string   `json:"name" yaml:",name"`
	Match Selector `json:"match,omitzero" jsonschema_description:"Which packets. Default: all."`
	At    string   `json:"at,omitempty" jsonschema_description:"Where it strikes: wire (default), HOST.input or HOST.output. Without a wire the default is the receiver's input."`
	Do    Action   `json:"do" jsonschema_description:"What happens to the packets."`
	Via   string   `json:"via,omitempty" jsonschema:"enum=auto,enum=iptables,enum=tc,enum=nfqueue" jsonschema_description:"The mechanism that carries it out: auto (default: the plainest that can), iptables, tc or nfqueue."`

	Nth    Ints     `json:"nth,omitempty" jsonschema_description:"Strike only these matching packets, counted from 1: 2, or [1, 3, 15]."`
	First  int      `json:"first,omitempty" jsonschema_description:"Strike only the first N matching packets."`
	Skip   int      `json:"skip,omitempty" jsonschema_description:"Let the first N matching packets pass."`
	Every  int      `json:"every,omitempty" jsonschema_description:"Strike every Nth matching packet."`
	Chance *Percent `json:"chance,omitempty" jsonschema_description:"Strike each matching packet with this probability, 0% to 100%. It is seeded: --seed repeats a run."`
	From   EventRef `json:"from,omitempty" jsonschema_description:"Begin at this event."`
	Until  EventRef `json:"until,omitempty" jsonschema_description:"End at this event."`
	After  Duration `json:"after,omitempty" jsonschema_description:"Begin this long after the actors start, or after from."`
	For    Duration `json:"for,omitempty" jsonschema_description:"End this long after it began."`

	Only Names `json:"only,omitempty" jsonschema_description:"Only in these cases or IP versions: names of cases, v4, v6."`
	Pos  Pos   `json:"pos,omitzero" yaml:"-"`
}

// namedFault reads a fault whose name is already set.
func (d *decoder) namedFault(n *yaml.Node, f *Fault) {
	d.seen["fault "+f.Name] = true
	d.Plain(n, reflect.ValueOf(f).Elem())
}

// Triggered reports whether the fault strikes only some of the matching packets (nth, first, skip,
// every, chance).
func (f *Fault) Triggered() bool {
	return len(f.Nth) > 0 || f.First != 0 || f.Skip != 0 || f.Every != 0 || f.Chance != nil
}

// String returns the fault on one line, with its packets, its place and its time: "drop: SYN from
// client, at wire; first: 2".
func (f *Fault) String() string {
	text := f.Do.String()
	if f.Do.Partition == nil {
		text += ": " + f.Match.String() + ", at " + cmp.Or(f.At, Wire)
	}
	rest := *f
	rest.Name, rest.Match, rest.At, rest.Do, rest.Via, rest.Only =
		"", Selector{}, "", Action{}, "", nil
	if fields := flowFields(reflect.ValueOf(rest)); len(fields) > 0 {
		text += "; " + strings.Join(fields, ", ")
	}
	return text
}

// Windowed reports whether the fault is in force only part of the time (from, until, after, for).
func (f *Fault) Windowed() bool {
	return f.From != "" || f.Until != "" || f.After != 0 || f.For != 0
}

func (v *validation) fault(f *Fault) {
	v.name(nil, f.Pos, "a fault", f.Name)
	v.selector(&f.Match, f.Pos)
	v.where(f)
	v.trigger(f)
	v.window(&f.From, &f.Until, f.Pos)
	if e, err := f.From.Parse(); err == nil && e.Kind == EventFaultHit && e.Fault == f.Name {
		v.errorf(code.NeverHappens, &f.From, f.Pos,
			"the fault %s cannot begin at a hit of itself; want another event", f.Name)
	}
	v.action(f)
}

// placeFaults sets where faults without at strike if there is no wire: at the input of the receiver,
// which comes nearest to it, because no sender learns of a loss there. It leaves out faults whose
// receiver may be one host or the other, and those by tc, which cannot strike there.
func (s *Scenario) placeFaults() {
	for i := range s.Faults {
		f := &s.Faults[i]
		if f.At == "" && f.Do.Partition == nil && f.Via != "tc" {
			f.At = s.inputOf(&f.Match)
		}
	}
}

// inputOf returns the input of the host that receives the packets of a selector, if there is no wire;
// "" if there is one, and if one host or another may receive them.
func (s *Scenario) inputOf(m *Selector) string {
	if s.Network.Shape != ShapeDirect && s.Network.Shape != ShapeLoopback {
		return ""
	}
	var receivers []string
	for _, h := range s.Hosts {
		sends := h.Name == m.From && s.Network.Shape == ShapeDirect
		if m.To == h.Name || m.To == "" && !sends {
			receivers = append(receivers, h.Name)
		}
	}
	if len(receivers) != 1 {
		return ""
	}
	return receivers[0] + ".input"
}

// where checks at, and that packets of the selector pass there.
func (v *validation) where(f *Fault) {
	if f.Match.ARP != "" {
		v.errorf(code.Unsupported, &f.Match.ARP, f.Pos,
			"arp is for expectations only, faults strike IP packets; to keep a neighbour from answering, use partition or an absent address")
	}
	if f.Do.Partition == nil || f.At != "" && f.At != Wire {
		v.place(&f.Match, &f.At, f.Pos)
	}
}

// place checks a place where packets are struck or seen, and that packets of a selector pass there.
func (v *validation) place(m *Selector, at *string, pos Pos) {
	if *at == "" || *at == Wire {
		switch {
		case v.wireless():
			v.errorf(code.WrongShape, at, pos,
				"no wire in the shape %s: want at: HOST.input or HOST.output, or a selector with the host that packets go to",
				v.s.Network.Shape)
		case m.From != "" && m.From == m.To:
			v.errorf(code.NeverMatches, &m.To, pos,
				"packets from a host to itself do not cross the wire: want at: %s.input",
				m.To)
		}
		return
	}
	host, side, ok := strings.Cut(*at, ".")
	if !ok || side != "input" && side != "output" {
		near := spell.DidYouMean(*at, append([]string{Wire}, v.sides()...))
		v.errorf(code.UnknownWord, at, pos,
			"invalid at %q: want wire, HOST.input or HOST.output%s", say.Clip(*at), near)
		return
	}
	if host == Wire {
		v.errorf(code.NeverMatches, at, pos,
			"the wire only forwards, it has no input and no output: want at: wire")
		return
	}
	v.host(at, pos, host, false)
	if side == "input" && m.To != "" && m.To != host {
		v.errorf(code.NeverMatches, at, pos,
			"no packet to %[1]s comes in at %[2]s: want at: %[1]s.input", m.To, host)
	}
	if side == "output" && m.From != "" && m.From != host {
		v.errorf(code.NeverMatches, at, pos,
			"no packet from %[1]s goes out at %[2]s: want at: %[1]s.output", m.From, host)
	}
}

// sides returns the places on the hosts where faults can strike.
func (v *validation) sides() []string {
	var sides []string
	for _, h := range v.hosts {
		sides = append(sides, h+".input", h+".output")
	}
	return sides
}

func (v *validation) trigger(f *Fault) {
	for i := range f.Nth {
		if f.Nth[i] < 1 {
			v.errorf(code.OutOfRange, &f.Nth[i], f.Pos,
				"invalid nth %d: packets are counted from 1", f.Nth[i])
		}
		if slices.Contains(f.Nth[:i], f.Nth[i]) {
			v.errorf(code.DuplicateEntry, &f.Nth[i], f.Pos,
				"nth: %d is listed twice; keep one", f.Nth[i])
		}
	}
	if v.has(&f.Nth) && len(f.Nth) == 0 {
		v.errorf(code.NoEffect, &f.Nth, f.Pos,
			"nth is empty, so the fault never strikes; want a number, or a list of them")
	}
	others := []struct {
		key   string
		field any
		given bool
	}{
		{"first", &f.First, v.has(&f.First)},
		{"skip", &f.Skip, v.has(&f.Skip)},
		{"every", &f.Every, v.has(&f.Every)},
		{"chance", f.Chance, f.Chance != nil},
	}
	for _, o := range others {
		if o.given && len(f.Nth) > 0 {
			v.errorf(code.ConflictingKeys, o.field, f.Pos,
				"nth already names the packets; remove nth or %s", o.key)
		}
		if o.given && f.Do.Partition != nil {
			v.errorf(code.ConflictingKeys, o.field, f.Pos,
				"partition cuts off a host, not single packets; remove %s", o.key)
		}
	}
	if f.Do.Partition != nil && (v.has(&f.Match) || len(f.Nth) > 0) {
		v.errorf(code.ConflictingKeys, &f.Match, f.Pos,
			"partition cuts off a host, not single packets; remove match and nth")
	}
	if v.has(&f.First) && f.First < 1 {
		v.errorf(code.OutOfRange, &f.First, f.Pos, "invalid first %d: want 1 or more", f.First)
	}
	if f.Skip < 0 {
		v.errorf(code.OutOfRange, &f.Skip, f.Pos, "invalid skip %d: want 0 or more", f.Skip)
	}
	if v.has(&f.Every) && f.Every < 1 {
		v.errorf(code.OutOfRange, &f.Every, f.Pos, "invalid every %d: want 1 or more", f.Every)
	}
	if f.First > 0 && f.Every > f.First {
		v.errorf(code.NoEffect, &f.Every, f.Pos,
			"invalid every %d: it strikes none of the first %d packets; want at most %d",
			f.Every, f.First, f.First)
	}
	if v.has(&f.For) && f.For == 0 {
		v.errorf(code.NoEffect, &f.For, f.Pos,
			"invalid for 0s: the fault would end when it begins; want more than 0s")
	}
}
