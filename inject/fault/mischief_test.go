package fault

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"halfopen/scenarios/language"
)

// randomFault makes a random fault, in the language and for the model. It may wait for one of the
// events.
func randomFault(r *rand.Rand, name string, ends [2]netip.Addr, events []string) *mischief {
	f := &mischief{name: name, chance: -1}
	do, act, notUDP := randomAction(r, ends, events)
	f.act = act
	match, text := randomSelector(r, ends, notUDP)
	if strings.HasPrefix(do, "{partition:") {
		match, text = func(*sample) bool { return true }, ""
	}
	f.match = match
	f.yaml = fmt.Sprintf("%s: {via: nfqueue, %s%sdo: %s}", name, text, f.randomTrigger(r, do), do)
	return f
}

// randomTrigger sets the trigger and returns it in the language.
func (f *mischief) randomTrigger(r *rand.Rand, do string) string {
	if strings.HasPrefix(do, "{partition:") || r.IntN(3) == 0 {
		return ""
	}
	if r.IntN(4) == 0 {
		f.nth = []int{1 + r.IntN(3), 4 + r.IntN(5)}
		return fmt.Sprintf("nth: [%d, %d], ", f.nth[0], f.nth[1])
	}
	text := ""
	if r.IntN(3) == 0 {
		f.skip = 1 + r.IntN(4)
		text += fmt.Sprintf("skip: %d, ", f.skip)
	}
	if r.IntN(3) == 0 {
		f.every = 1 + r.IntN(3)
		text += fmt.Sprintf("every: %d, ", f.every)
	}
	if r.IntN(3) == 0 {
		f.first = 3 + r.IntN(8)
		text += fmt.Sprintf("first: %d, ", f.first)
	}
	if r.IntN(2) == 0 {
		percent := []int{0, 10, 50, 100}[r.IntN(4)]
		f.chance = float64(percent) / 100
		text += fmt.Sprintf("chance: %d%%, ", percent)
	}
	return text
}

// randomSelector returns a selector for the model, and its text in the language.
func randomSelector(r *rand.Rand, ends [2]netip.Addr, notUDP bool) (func(*sample) bool, string) {
	var parts []string
	var all []func(*sample) bool
	add := func(match func(*sample) bool, format string, args ...any) {
		parts, all = append(parts, fmt.Sprintf(format, args...)), append(all, match)
	}
	switch n := r.IntN(6); {
	case n == 0 && !notUDP:
		add(func(s *sample) bool { return s.proto == "udp" }, "udp: any")
	case n == 1:
	case n < 4:
		add(func(s *sample) bool { return s.proto == "tcp" }, "tcp: any")
	default:
		kinds := []language.SegmentKind{language.SYN, language.SYNACK, language.ACK, language.DATA, language.FIN, language.RST}
		r.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		kinds = kinds[:1+r.IntN(3)]
		if len(kinds) == 1 && kinds[0] == language.ACK {
			// The language knows that a bare acknowledgement carries no payload.
			kinds = append(kinds, language.DATA)
		}
		add(func(s *sample) bool { return s.proto == "tcp" && slices.Contains(kinds, s.kind()) }, "tcp: [%s]", strings.Trim(fmt.Sprint(kinds), "[]"))
		parts[0] = strings.ReplaceAll(parts[0], " ", ", ")
		parts[0] = strings.Replace(parts[0], "tcp:,", "tcp:", 1)
	}
	isTCP := len(parts) > 0 && strings.HasPrefix(parts[0], "tcp")
	switch r.IntN(8) {
	case 0:
		add(func(s *sample) bool { return s.side == 0 }, "from: client")
	case 1:
		add(func(s *sample) bool { return s.side == 0 }, "to: server")
	case 2:
		add(func(s *sample) bool { return s.dport == 80 }, "dport: 80")
	case 3:
		add(func(s *sample) bool { return s.sport == 443 || s.dport == 443 }, "port: 443")
	case 4:
		add(func(s *sample) bool { return len(s.payload) >= 20 }, "payload: {length: '>= 20'}")
	case 5:
		add(func(s *sample) bool { return strings.Contains(string(s.payload), "ab") }, "payload: ab")
	case 6:
		add(func(s *sample) bool { return s.ttl >= 64 }, "ttl: '>= 64'")
	case 7:
		if isTCP && r.IntN(2) == 0 {
			add(func(s *sample) bool { return s.window <= 500 }, "window: '<= 500'")
		} else if isTCP {
			add(func(s *sample) bool { return s.hasOption(8) && !s.hasOption(2) }, "options: {timestamps: true, mss: false}")
		}
	}
	match := func(s *sample) bool {
		return !slices.ContainsFunc(all, func(m func(*sample) bool) bool { return !m(s) })
	}
	if len(parts) == 0 {
		return match, ""
	}
	return match, "match: {" + strings.Join(parts, ", ") + "}, "
}

// randomAction returns an action in the language and for the model. notUDP is set if the language
// refuses udp together with it.
func randomAction(r *rand.Rand, ends [2]netip.Addr, events []string) (do string, a act, notUDP bool) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	switch r.IntN(15) {
	case 0:
		return "drop", lose("dropped"), false
	case 1:
		direction := []string{"in", "out", "both"}[r.IntN(3)]
		return fmt.Sprintf("{partition: {host: client, direction: %s}}", direction), func(_ *model, _ *mischief, p *fate) (string, bool) {
			p.lost = direction == "both" || (direction == "out") == (p.sent.side == 0)
			return "dropped", p.lost
		}, false
	case 2:
		return "{reject: icmp-host-unreachable}", func(_ *model, _ *mischief, p *fate) (string, bool) {
			p.lost = true
			p.extras = append(p.extras, extra{forged: true})
			return "rejected", true
		}, false
	case 3:
		return "{reset: both}", func(_ *model, _ *mischief, p *fate) (string, bool) {
			if p.sent.proto != "tcp" || p.sent.flags&rst != 0 {
				return "", false
			}
			p.extras = append(p.extras, extra{forged: true}, extra{forged: true})
			return "reset", true
		}, true
	case 4, 5:
		by := 1 + r.IntN(40)
		return fmt.Sprintf("{delay: %dms}", by), delayBy(fixed, func(*rand.Rand) time.Duration { return ms(by) }), false
	case 6:
		by := 1 + r.IntN(20)
		return fmt.Sprintf("{delay: {by: %dms, jitter: %dms}}", by, by), delayBy(keeps, func(r *rand.Rand) time.Duration {
			return ms(by) + time.Duration((2*r.Float64()-1)*float64(ms(by)))
		}), false
	case 7:
		by := 10 + r.IntN(20)
		return fmt.Sprintf("{delay: {by: %dms, jitter: 5ms, distribution: normal, order: free}}", by), delayBy(free, func(r *rand.Rand) time.Duration {
			return max(0, ms(by)+time.Duration(r.NormFloat64()*float64(ms(5))))
		}), false
	case 8:
		event := events[r.IntN(len(events))]
		return fmt.Sprintf("{hold: %s}", event), func(m *model, _ *mischief, p *fate) (string, bool) {
			if m.happened[event] {
				return "", false
			}
			if !slices.Contains(p.until, event) {
				p.until = append(p.until, event)
			}
			return "held", true
		}, false
	case 9:
		copies := 1 + r.IntN(3)
		return fmt.Sprintf("{duplicate: %d}", copies), func(_ *model, _ *mischief, p *fate) (string, bool) {
			p.extras = append(p.extras, make([]extra, copies)...)
			return "duplicated", true
		}, false
	case 10:
		by := 1 + r.IntN(3)
		return fmt.Sprintf("{reorder: %d}", by), func(_ *model, _ *mischief, p *fate) (string, bool) {
			p.behind = max(p.behind, by)
			return "reordered", true
		}, false
	case 11:
		return randomCorruption(r)
	case 12:
		return randomRewriting(r)
	case 13:
		bad := false
		return "{loss: {good-to-bad: 20%, bad-to-good: 40%, in-bad: 75%, in-good: 5%}}", func(_ *model, f *mischief, p *fate) (string, bool) {
			change, lost := 0.20, 0.05
			if bad {
				change = 0.40
			}
			if f.rng.Float64() < change {
				bad = !bad
			}
			if bad {
				lost = 0.75
			}
			p.lost = f.rng.Float64() < lost
			return "dropped", p.lost
		}, false
	default:
		after := 1 + r.IntN(40)
		return fmt.Sprintf("{replay: %dms}", after), func(_ *model, _ *mischief, p *fate) (string, bool) {
			p.extras = append(p.extras, extra{after: ms(after)})
			return "to be replayed", true
		}, false
	}
}

func lose(effect string) act {
	return func(_ *model, _ *mischief, p *fate) (string, bool) {
		p.lost = true
		return effect, true
	}
}

// delayBy is a delay that draws its time. If order is kept, it remembers when the last packet
// between two hosts leaves.
func delayBy(sort sort, draw func(*rand.Rand) time.Duration) act {
	last := map[[2]netip.Addr]time.Duration{}
	return func(_ *model, f *mischief, p *fate) (string, bool) {
		by := draw(f.rng)
		p.waits = append(p.waits, wait{f, by, sort})
		comes := max(p.at, p.now)
		at := comes + by
		if sort == keeps {
			pair := [2]netip.Addr{p.sent.from, p.sent.to}
			at = max(at, last[pair])
			last[pair] = at
		}
		if at == comes {
			return "", false
		}
		p.at = at
		return "delayed", true
	}
}

func randomCorruption(r *rand.Rand) (string, act, bool) {
	n, offset, fix := 1+r.IntN(4), []int{0, 0, 1, 18, 97}[r.IntN(5)], r.IntN(2) == 0
	checksum := "keep"
	if fix {
		checksum = "fix"
	}
	return fmt.Sprintf("{corrupt: {bytes: %d, offset: %d, checksum: %s}}", n, offset, checksum), func(_ *model, _ *mischief, p *fate) (string, bool) {
		s := &p.leaves
		if offset+n > len(s.payload) {
			return "", false
		}
		before := s.checksum()
		if s.kept != nil {
			before = *s.kept
		}
		known := !s.broken || s.kept != nil
		s.payload = slices.Clone(s.payload)
		for i := offset; i < offset+n; i++ {
			s.payload[i] ^= 0xff
		}
		s.broken, s.kept = !fix, nil
		if !fix && known {
			if s.checksum() == before {
				s.payload[offset+n-1] ^= 1
			}
			s.kept = &before
		}
		return "corrupted", true
	}, false
}

func randomRewriting(r *rand.Rand) (string, act, bool) {
	rewrite := func(tcp bool, change func(*sample)) act {
		return func(_ *model, _ *mischief, p *fate) (string, bool) {
			if tcp && p.sent.proto != "tcp" {
				return "", false
			}
			before := p.leaves.bytes()
			change(&p.leaves)
			if string(before) == string(p.leaves.bytes()) {
				return "", false
			}
			p.leaves.kept = nil // as wrong as before, if it was wrong
			return "rewritten", true
		}
	}
	strip := func(s *sample, kinds ...byte) {
		var left [][]byte
		for _, o := range s.options {
			if slices.Contains(kinds, o[0]) {
				left = append(left, slices.Repeat([][]byte{{1}}, len(o))...)
			} else {
				left = append(left, o)
			}
		}
		s.options = left
	}
	switch r.IntN(7) {
	case 0:
		return "{rewrite: {ttl: 9}}", rewrite(false, func(s *sample) { s.ttl = 9 }), false
	case 1:
		return "{rewrite: {ecn: ce}}", rewrite(false, func(s *sample) { s.ecn = 3 }), false
	case 2:
		return "{rewrite: {window: 500}}", rewrite(true, func(s *sample) { s.window = 500 }), true
	case 3:
		return "{rewrite: {set: [ECE, PSH], clear: [FIN]}}", rewrite(true, func(s *sample) { s.flags = (s.flags | ece | psh) &^ fin }), true
	case 4:
		return "{rewrite: {strip: [timestamps, mss]}}", rewrite(true, func(s *sample) { strip(s, 8, 2) }), true
	case 5:
		return "{rewrite: {strip: sack-permitted, ttl: 8}}", rewrite(false, func(s *sample) {
			strip(s, 4)
			s.ttl = 8
		}), true
	}
	return "{rewrite: {mss: 536, ecn: ect0}}", rewrite(false, func(s *sample) {
		s.ecn = 2
		for i, o := range s.options {
			if o[0] == 2 {
				s.options = slices.Clone(s.options)
				s.options[i] = []byte{2, 4, 2, 24}
			}
		}
	}), true
}
