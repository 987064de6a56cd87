package fault

import (
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/packet"
	"halfopen/internal/testlab"
	"halfopen/scenarios/language"
)

const (
	// wireTime is how long packets are sent, for each IP version; wireFaults is how many faults
	// there are to draw from.
	wireTime   = 4 * time.Second
	wireFaults = 60
	// wireMost is how many packets an identification of 16 bits distinguishes.
	wireMost = 60_000
)

// The packets that leave the wire are those that the model predicts from the packets that came to
// it: random packets, through random faults that come and go while others have packets waiting.
func TestTheWireDoesWhatTheModelSays(t *testing.T) {
	for _, f := range families {
		t.Run(string(f), func(t *testing.T) {
			if !testlab.InLab(t) {
				return
			}
			seed := newSeed(t)
			r := rand.New(rand.NewPCG(seed, 1))
			s, ends, m, err := randomScenario(r, f, wireFaults)
			if err != nil {
				t.Fatal(err)
			}
			w := &wire{tap: newTap(newSeededLab(t, s, Features{}, seed)), random: r, ends: ends, model: newModel(m.faults, seed), events: map[string]time.Duration{}, late: map[string]bool{}}
			for i, host := range []string{"client", "server"} {
				w.mute(host, f)
				w.raw[i] = w.lab.raw(host, f)
			}
			w.knows = w.sent
			// On one processor packets come to the wire in the order in which they are sent.
			runtime.LockOSThread()
			var all unix.CPUSet
			w.try(unix.SchedGetaffinity(0, &all))
			for cpu := range 1024 {
				if all.IsSet(cpu) {
					var one unix.CPUSet
					one.Set(cpu)
					w.try(unix.SchedSetaffinity(0, &one))
					break
				}
			}
			w.warmUp()
			for deadline := time.Now().Add(wireTime); time.Now().Before(deadline) && len(w.fates) < wireMost && !t.Failed(); {
				w.round()
			}
			w.finish()
			w.judge()
			if t.Failed() {
				t.Logf("seed %d\n%s", seed, faultText(w.model))
			}
		})
	}
}

// wire is a lab with random faults, and the packets sent through it.
type wire struct {
	*tap
	random *rand.Rand
	ends   [2]netip.Addr
	raw    [2]int
	model  *model
	fates  []*fate
	// begin is the first packet after the warm-up.
	begin int
	// events has the times at which they happened.
	events map[string]time.Duration
	// late has the faults whose hits count only after their packets were judged.
	late map[string]bool
}

// sent reports whether a packet is one of those sent. A packet from the kernel, or forged by a
// fault, may have any number.
func (w *wire) sent(number int, data []byte) bool {
	if number >= len(w.fates) {
		return false
	}
	s, d := w.fates[number].sent, packet.DecodeIP(data)
	return d.Src == s.from && d.Dst == s.to && d.Proto == s.proto && d.SPort == s.sport && d.DPort == s.dport && d.Seq == s.seq
}

// send sends the next packet. On the wire, packets have passed one router.
func (w *wire) send() *fate {
	w.t.Helper()
	s := randomSample(w.random, len(w.fates), w.ends)
	to, _ := sockaddr(netip.AddrPortFrom(s.to, 0))
	seen := *s
	seen.ttl--
	p := w.model.treat(&seen, 0)
	w.fates = append(w.fates, p)
	for _, k := range p.open {
		w.late[k.fault] = true
	}
	w.try(unix.Sendto(w.raw[s.side], s.bytes(), 0, to))
	return p
}

// warmUp sends packets until hosts know their neighbours and the kernel stamps packets.
func (w *wire) warmUp() {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for stamped := false; !stamped; {
		if time.Now().After(deadline) {
			w.t.Fatal("the kernel does not stamp packets when they go by")
		}
		// A packet sent now is read later, so a true timestamp is before that.
		first := w.send()
		for w.send().sent.side == first.sent.side {
		}
		_, _ = unix.Poll(nil, 2)
		stamped = w.read()
		if !w.until(func() bool { return w.left() == len(w.fates) }) {
			w.t.Fatal("packets do not pass the wire")
		}
	}
	w.seen, w.begin = nil, len(w.fates)
}

// left returns how many packets have left the wire.
func (w *wire) left() (n int) {
	for _, p := range w.seen {
		if p.out {
			n++
		}
	}
	return n
}

// round puts some faults in force for some packets.
func (w *wire) round() {
	w.t.Helper()
	for range 1 + w.random.IntN(5) {
		f := w.model.faults[w.random.IntN(len(w.model.faults))]
		f.on = true
		w.on(f.name)
	}
	from := len(w.fates)
	mark := len(w.seen)
	for n := range 30 {
		w.send()
		if n == 15 && w.random.IntN(8) == 0 {
			w.settle(from, mark)
			w.happen(eventNames[w.random.IntN(len(eventNames))])
		}
	}
	w.settle(from, mark)
	for _, f := range w.model.faults {
		if f.on {
			f.on = false
			w.off(f.name)
		}
	}
}

// settle waits until all packets have been judged: packets that nothing delays have left, and the
// hits are counted.
func (w *wire) settle(from, mark int) {
	w.t.Helper()
	w.try(w.faults.Settle())
	hits := func() bool {
		for _, f := range w.model.faults {
			if f.on && !w.late[f.name] && w.hits(f.name) < uint64(f.hits) {
				return false
			}
		}
		return true
	}
	atOnce := func() bool {
		left := map[int]bool{}
		for _, p := range w.seen[mark:] {
			if p.out {
				left[p.number] = true
			}
		}
		for i, p := range w.fates[from:] {
			if p.atOnce() && !left[from+i] {
				return false
			}
		}
		return true
	}
	if !w.until(func() bool { return hits() && atOnce() }) {
		w.t.Errorf("packets %d to %d have not been judged in %v", from, len(w.fates)-1, patience)
	}
	for _, f := range w.model.faults {
		if got := w.hits(f.name); f.on && !w.late[f.name] && got != uint64(f.hits) {
			w.t.Errorf("%s has %d hits, want %d", f.yaml, got, f.hits)
		}
	}
}

func (w *wire) happen(event string) {
	if w.model.happened[event] {
		return
	}
	w.model.happened[event] = true
	w.events[event] = realtime()
	w.faults.Happened(language.EventRef(event))
}

// finish releases held packets, and waits for all packets that are due.
func (w *wire) finish() {
	w.t.Helper()
	for _, event := range eventNames {
		w.happen(event)
	}
	want := 0
	for _, p := range w.fates[w.begin:] {
		want += p.departures()
	}
	w.until(func() bool { return w.left() >= want })
	w.t.Logf("%d packets have come to the wire, %d have left it, want %d", len(w.fates)-w.begin, w.left(), want)
}

// departures returns how often the packet leaves the wire.
func (p *fate) departures() int {
	n := 0
	if !p.lost {
		n = 1
	}
	for _, x := range p.extras {
		if !x.forged {
			n++
		}
	}
	return n
}

// departure is when a packet left, and its place in the order of departures.
type departure struct {
	place int
	passing
}

// judge compares the packets seen with the model.
func (w *wire) judge() {
	w.t.Helper()
	came := make([]*passing, len(w.fates))
	left := make([][]departure, len(w.fates))
	last := w.begin - 1
	for i := range w.seen {
		p := &w.seen[i]
		switch {
		case p.out:
			left[p.number] = append(left[p.number], departure{i, *p})
		default:
			if p.number != last+1 {
				w.t.Fatalf("packet %d came to the wire after packet %d: the test cannot predict the result", p.number, last)
			}
			last, came[p.number] = p.number, p
		}
	}
	struck := map[string]int{}
	for i := w.begin; i < len(w.fates); i++ {
		p := w.fates[i]
		for _, s := range slices.Concat(p.strikes, p.open) {
			struck[s.effect]++
		}
		switch {
		case came[i] == nil:
			w.t.Fatalf("packet %d never came to the wire", i)
		case len(left[i]) != p.departures():
			w.t.Errorf("%s left the wire %d times, want %d; struck: %v", p.sent, len(left[i]), p.departures(), p.strikes)
		case !p.lost:
			w.judgeOne(p, came[i], left[i])
		}
	}
	w.judgeOrder(left)
	w.judgeLate(left)
	w.t.Logf("struck: %v", struck)
	if len(struck) < 5 {
		w.t.Errorf("the faults have done only %v: the test shows little", struck)
	}
}

func (w *wire) judgeOne(p *fate, came *passing, left []departure) {
	w.t.Helper()
	earliest := came.at + p.delayed()
	for _, event := range p.until {
		earliest = max(earliest, w.events[event])
	}
	if early := earliest - left[0].at; early > 0 {
		w.t.Errorf("%s left %v early; struck: %v", p.sent, early, p.strikes)
	}
	var after []time.Duration
	for _, x := range p.extras {
		if !x.forged {
			after = append(after, x.after)
		}
	}
	slices.Sort(after)
	for i, d := range left {
		if diff := p.leaves.differs(d.data); diff != "" {
			w.t.Errorf("%s, departure %d: %s; struck: %v", p.sent, i, diff, p.strikes)
		}
		if i > 0 && d.at < left[0].at+after[i-1] {
			w.t.Errorf("%s came again %v after it had left, want %v", p.sent, d.at-left[0].at, after[i-1])
		}
	}
}

// judgeOrder compares packets with those that came soon after.
func (w *wire) judgeOrder(left [][]departure) {
	w.t.Helper()
	for i, p := range w.fates {
		if p.lost || len(left[i]) == 0 {
			continue
		}
		for j := i + 1; j < len(w.fates) && j < i+300; j++ {
			q := w.fates[j]
			if q.lost || len(left[j]) == 0 || q.sent.side != p.sent.side {
				continue
			}
			if left[i][0].place > left[j][0].place && w.model.before(p, q) {
				w.t.Errorf("%s, struck %v, left after\n%s, struck %v", p.sent, p.strikes, q.sent, q.strikes)
			}
		}
		if p.behind > 0 {
			w.judgeOvertaking(i, left)
		}
	}
}

// judgeOvertaking checks how many packets overtook a packet that lets them.
func (w *wire) judgeOvertaking(i int, left [][]departure) {
	w.t.Helper()
	p, overtook := w.fates[i], w.overtook(i, left)
	plain := len(p.waits) == 0 && len(p.until) == 0
	came := w.seen[slices.IndexFunc(w.seen, func(s passing) bool { return s.number == i && !s.out })].at
	took := left[i][0].at - came
	if patient := took >= time.Second+p.delayed(); overtook < p.behind && !patient || overtook > p.behind && plain {
		w.t.Errorf("%d packets overtook %s in %v, struck: %v", overtook, p.sent, took, p.strikes)
	}
}

// overtook returns how many later packets of its direction left before a packet.
func (w *wire) overtook(i int, left [][]departure) (n int) {
	p := w.fates[i]
	for j := i + 1; j < len(w.fates); j++ {
		q := w.fates[j]
		if !q.lost && len(left[j]) > 0 && left[j][0].place < left[i][0].place && q.sent.direction() == p.sent.direction() {
			n++
		}
	}
	return n
}

// judgeLate counts the hits of faults that strike only if something comes of it: a packet was
// overtaken, or sent again.
func (w *wire) judgeLate(left [][]departure) {
	w.t.Helper()
	want := map[string]uint64{}
	for i, p := range w.fates {
		for _, s := range p.open {
			if s.effect != "reordered" || len(left[i]) > 0 && w.overtook(i, left) > 0 {
				want[s.fault]++
			}
		}
	}
	for name := range w.late {
		if got := w.hits(name); got != want[name] {
			w.t.Errorf("%s has %d hits, want %d", w.model.fault(name).yaml, got, want[name])
		}
	}
}
