package harness

import (
	"net/netip"
	"slices"
	"time"

	"halfopen/harness/trace"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/scenarios/language"
)

// faultOptions connects the faults to the lab.
func (l *lab) faultOptions(topology *network.Topology) fault.Options {
	hosts := map[string][]netip.Addr{}
	for _, h := range topology.Hosts {
		hosts[h.Name] = append(hosts[h.Name], h.Addrs...)
	}
	return fault.Options{
		Exec:   l.reaper.Exec,
		Seed:   l.Seed,
		Hosts:  hosts,
		Now:    l.Clock.Now,
		Struck: l.struck,
		Seen:   l.packetSeen,
		Late:   l.packetLate,
		Failed: func(err error) {
			l.now(trace.Event{Note: &trace.Note{Text: err.Error(), Untrue: true}})
		},
	}
}

// packetLate records a packet that a queue let go late. It is called on the queue's goroutine.
func (l *lab) packetLate(host, fault string, due, done time.Duration) {
	if fault != "" {
		l.late.add(trace.LateFault, fault, due, done)
		return
	}
	l.late.add(trace.LateQueue, host, due, done)
}

// struck reports a hit in a queue. It is called on the queue's goroutine. The packet goes on when
// struck returns, after everything that waits for the hit has been done.
func (l *lab) struck(host string, s fault.Strike) {
	l.emit(trace.Event{T: s.At, Fault: &trace.Fault{
		Name: s.Fault, What: trace.FaultHit, Hits: s.N, Host: host, Effect: trace.Effect(s.Effect),
		By: s.By, Packet: s.Packet,
	}})
	if l.watched.awaited[s.Fault] {
		l.await(hitOf(s.Fault, s.N))
	}
}

// packetSeen reports an event of a packet in a queue, as struck does a hit.
func (l *lab) packetSeen(host string, s fault.Sighting) {
	l.emit(trace.Event{T: s.At, Watched: &trace.Watched{
		Event: string(s.Event), Happened: true, Seen: int64(s.N), Host: host, Packet: s.Packet,
	}})
	l.await(s.Event)
}

// await has everything done that an event, in canonical form, sets off, and returns then, or when the run
// is over.
func (l *lab) await(event language.EventRef) {
	done := make(chan struct{})
	report := func() error {
		defer close(done)
		return l.happened(event)
	}
	select {
	case l.inbox <- report:
	case <-l.over:
		return
	}
	select {
	case <-done:
	case <-l.over:
	}
}

// switchFault puts a fault in force or out of it. by is who does so by hand, or "". If it fails, the
// fault is as before.
func (l *lab) switchFault(name string, on bool, by switcher) error {
	if l.on[name] == on {
		return nil
	}
	defer l.doing(l.doing("switching fault " + name))
	if !on {
		if err := l.faults.Off(name); err != nil {
			return err
		}
		l.on[name] = false
		l.now(trace.Event{Fault: &trace.Fault{Name: name, What: trace.FaultOff, Hand: by.hand, Holder: by.holder}})
		return nil
	}
	if err := l.faults.On(name); err != nil {
		return err
	}
	l.on[name] = true
	p := l.plan.Fault(name)
	l.now(trace.Event{
		Fault: &trace.Fault{
			Name: name, What: trace.FaultOn, Mechanism: string(p.Mechanism), Why: p.Why, Hand: by.hand, Holder: by.holder,
		},
	})
	return nil
}

// openWindows makes the windows of all faults and puts faults without a beginning in force, before
// any actor listens.
func (l *lab) openWindows() error {
	for i := range l.plan.Faults {
		p := &l.plan.Faults[i]
		if slices.Contains(l.Off, p.Name) {
			l.now(trace.Event{Fault: &trace.Fault{Name: p.Name, What: trace.FaultOff, Holder: true}})
			continue
		}
		w := newWindow(p.Name, p.Window)
		l.windows = append(l.windows, w)
		if err := l.apply(w.open()); err != nil {
			return err
		}
	}
	return nil
}

// apply makes the changes that windows ask for, now or later.
func (l *lab) apply(changes []change) error {
	for _, c := range changes {
		if c.after == 0 {
			if err := l.switchFault(c.fault, c.on, switcher{}); err != nil {
				return err
			}
			continue
		}
		due := l.Clock.Now() + c.after
		l.later(c.after, func() error {
			if w := l.window(c.fault); c.on && w.over {
				return nil
			}
			err := l.switchFault(c.fault, c.on, switcher{})
			l.late.add(trace.LateSwitch, c.fault, due, l.Clock.Now())
			return err
		})
	}
	return nil
}

func (l *lab) window(fault string) *window {
	i := slices.IndexFunc(l.windows, func(w *window) bool { return w.fault == fault })
	return l.windows[i]
}

// later calls f on the lab's goroutine after a time.
func (l *lab) later(after time.Duration, f func() error) {
	time.AfterFunc(after, func() {
		select {
		case l.inbox <- f:
		case <-l.over:
		}
	})
}

// pollHits is the time between two readings of the hits of faults that something waits for.
const pollHits = 10 * time.Millisecond

// countHits reads the counters of hits that something waits for and raises an event for each new
// hit.
func (l *lab) countHits() error {
	for _, name := range l.watched.counted {
		hits, err := l.faults.Hits(name)
		if err != nil {
			return err
		}
		for n := l.hits[name] + 1; n <= hits; n++ {
			l.hits[name] = n // whatever it leads to
			l.now(trace.Event{Fault: &trace.Fault{Name: name, What: trace.FaultHits, Hits: n}})
			if err := l.happened(hitOf(name, n)); err != nil {
				return err
			}
		}
		l.hits[name] = hits
	}
	return nil
}

// readEvery is the time between two readings of the hits of other faults. For a reading, iptables runs for
// some milliseconds, and the host makes no socket meanwhile.
const readEvery = 50 * time.Millisecond

// readHits reports the new hits of faults that nothing waits for. A fault that is out of force has no new
// ones after one more reading.
func (l *lab) readHits() error {
	for _, name := range l.watched.read {
		if !l.on[name] && !l.wasOn[name] {
			continue
		}
		l.wasOn[name] = l.on[name]
		hits, err := l.faults.Hits(name)
		if err != nil {
			return err
		}
		if hits > l.hits[name] {
			l.hits[name] = hits
			l.now(trace.Event{Fault: &trace.Fault{Name: name, What: trace.FaultHits, Hits: hits}})
		}
	}
	return nil
}

// switcher is who switches a fault: the scenario if it is zero, somebody by hand, or the holder of the
// lab.
type switcher struct {
	hand   string
	holder bool
}
