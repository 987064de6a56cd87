package suite

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"halfopen/harness/suite/result"
)

// Shard is a part of a suite that several machines share.
type Shard = result.Shard

// What a run costs is how long it takes one of the places on a machine: the work of the processor, which
// jobsEach places share, and a part of its estimate, for which it mostly waits beside others. Measured on
// the library, in time of the processor: a lab takes 0.12 s, a run in a guest 1.7 s, the boots of the
// guests on a machine 4 s.
const (
	costOfLab   = jobsEach * 120 * time.Millisecond
	costOfGuest = jobsEach * 1700 * time.Millisecond
	costOfBoot  = jobsEach * 4 * time.Second
	partOfWait  = 4
)

// longWait is the estimate of a run from which it may decide how long a shard takes.
const longWait = 5 * time.Second

// mostToShare bounds the runs of a suite that is shared: the sum of their costs must be a
// time.Duration, see mostCost.
const mostToShare = 1_000_000

// mostCost bounds the estimate that counts.
const mostCost = 2 * time.Hour

func costOf(r *Run) time.Duration {
	estimate := min(r.Scenario.Estimate(), mostCost)
	switch {
	case r.Place.Warp:
		return costOfGuest
	case r.Place.Virtual():
		return costOfGuest + estimate/partOfWait
	}
	return costOfLab + estimate/partOfWait
}

// span is a range of the repetitions of a run, from 1. The zero span is all of them.
type span struct{ from, to int }

// noRun is the span of a run that another shard does.
var noRun = span{1, 0}

// portion is the part of a suite that this machine does: a span for each of the suite's runs; nil is
// the whole suite.
type portion []span

// of returns the span of the run with this index.
func (p portion) of(index int) span {
	if p == nil {
		return span{}
	}
	return p[index]
}

// count returns the number of repetitions in a span, of a run with so many.
func (s span) count(repeat int) int {
	if s == (span{}) {
		return repeat
	}
	return s.to - s.from + 1
}

// lot is what one shard must do together, as often as it is repeated: a run, or a run with its
// controls, which are compared with it.
type lot struct {
	// from and to are the indexes of its runs: from <= i < to.
	from, to int
	at       Place
	cost     time.Duration
}

// lotsOf returns the lots of runs, the longest first.
func lotsOf(runs []Run) []lot {
	var all []lot
	for i := range runs {
		r := &runs[i]
		if r.Scenario.Without == nil || len(all) == 0 {
			all = append(all, lot{from: i, at: r.Place})
		}
		l := &all[len(all)-1]
		l.to = i + 1
		l.cost += costOf(r)
	}
	slices.SortStableFunc(all, func(a, b lot) int { return cmp.Compare(b.cost, a.cost) })
	return all
}

// portionOf returns the runs that a shard does, of runs that are each repeated. It is the same on all
// machines. The longest runs are dealt first, each to the shard with the least to do: on a machine with
// many processors, they decide how long it takes. Those of guests follow, on as few shards as the balance
// allows, because each boots the kernel. The others fill the shards up.
func portionOf(runs []Run, repeat int, shard Shard) (portion, error) {
	if err := shard.Check(); err != nil {
		return nil, err
	}
	repeat = max(repeat, 1)
	if n := float64(len(runs)) * float64(repeat); n > mostToShare {
		return nil, fmt.Errorf("a suite of %.0f runs cannot be shared: want %d at most", n, mostToShare)
	}
	d := &dealer{
		loads: make([]time.Duration, shard.Of), repeat: repeat, me: shard.Index - 1,
		mine: make(portion, len(runs)),
	}
	for i := range d.mine {
		d.mine[i] = noRun
	}
	everyone := make([]int, shard.Of)
	for i := range everyone {
		everyone[i] = i
	}
	lots := lotsOf(runs)
	total := time.Duration(0)
	for _, l := range lots {
		total += l.cost * time.Duration(repeat)
	}
	guests, here := byPlace(lots)
	short := slices.IndexFunc(here, func(l lot) bool { return l.cost < costOfLab+longWait/partOfWait })
	if short < 0 {
		short = len(here)
	}
	d.deal(here[:short], everyone)
	for _, lots := range guests {
		to := d.hosts(lots, total/time.Duration(shard.Of))
		for _, s := range to {
			d.loads[s] += costOfBoot
		}
		d.deal(lots, to)
	}
	d.deal(here[short:], everyone)
	return d.mine, nil
}

// byPlace separates the lots of each guest's place, the most expensive place first, from those on
// this machine.
func byPlace(lots []lot) (guests [][]lot, here []lot) {
	var places []Place
	for _, l := range lots {
		if !l.at.Virtual() {
			here = append(here, l)
			continue
		}
		i := slices.Index(places, l.at)
		if i < 0 {
			i = len(places)
			places, guests = append(places, l.at), append(guests, nil)
		}
		guests[i] = append(guests[i], l)
	}
	slices.SortStableFunc(guests, func(a, b []lot) int { return cmp.Compare(costOfLots(b), costOfLots(a)) })
	return guests, here
}

func costOfLots(lots []lot) (sum time.Duration) {
	for _, l := range lots {
		sum += l.cost
	}
	return sum
}

// dealer deals lots to shards.
type dealer struct {
	loads  []time.Duration
	repeat int
	// me is the shard whose portion is wanted; mine is that portion.
	me   int
	mine portion
}

// hosts returns the shards that boot a guest for lots of one place: the fewest of those with the least
// to do that have room for them. A shard has room up to an eighth more than the mean.
func (d *dealer) hosts(lots []lot, mean time.Duration) []int {
	order := make([]int, len(d.loads))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(d.loads[a], d.loads[b]) })
	sum := costOfLots(lots) * time.Duration(d.repeat)
	for n, s := range order {
		sum += d.loads[s] + costOfBoot
		if sum <= (mean+mean/8)*time.Duration(n+1) {
			return order[:n+1]
		}
	}
	return order
}

// deal deals each repetition of each lot to the shard with the least to do, of some; of equals, to the
// first.
func (d *dealer) deal(lots []lot, to []int) {
	for _, l := range lots {
		counts := make([]int, len(d.loads))
		for range d.repeat {
			s := slices.MinFunc(to, func(a, b int) int {
				return cmp.Or(cmp.Compare(d.loads[a], d.loads[b]), cmp.Compare(a, b))
			})
			counts[s]++
			d.loads[s] += l.cost
		}
		before := 0
		for _, n := range counts[:d.me] {
			before += n
		}
		for i := l.from; i < l.to; i++ {
			d.mine[i] = span{before + 1, before + counts[d.me]}
		}
	}
}

// repetitions returns the repetitions of a run in a span, each with its number, seed and index. A run
// that is done once has no number.
func (s *Suite) repetitions(r Run, part span) iter.Seq[Run] {
	n := max(s.o.Repeat, 1)
	if part == (span{}) {
		part = span{1, n}
	}
	return func(yield func(Run) bool) {
		if n == 1 {
			if part == (span{1, 1}) {
				yield(r)
			}
			return
		}
		seed, index := r.Seed, r.Index
		for r.N = part.from; r.N <= part.to; r.N++ {
			r.Seed, r.Index = seed+uint64(r.N-1), min(index+r.N-1, mostIndex)
			if !yield(r) {
				return
			}
		}
	}
}

// Count returns the number of runs of this machine, with all repetitions; [math.MaxInt] if there are
// more, 0 if nothing bounds them: see [Options.UntilFail].
func (s *Suite) Count() int {
	n := max(s.o.Repeat, 1)
	if s.o.UntilFail {
		n = s.o.Repeat
	}
	if s.mine == nil {
		if n > 0 && len(s.Runs) > math.MaxInt/n {
			return math.MaxInt
		}
		return len(s.Runs) * n
	}
	all := 0
	for i := range s.Runs {
		all += s.mine.of(i).count(n)
	}
	return all
}
