package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/observe"
	"halfopen/harness/sandbox"
	"halfopen/harness/trace"
	"halfopen/inject/fault"
	"halfopen/inject/fault/queue"
	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// lab is a scenario's hosts, faults, observers and actors made real, in the process that is PID 1 of the sandbox. Except
// for emit, its methods are called by the one goroutine of runLab.
type lab struct {
	job
	reaper *sandbox.Reaper
	plan   *fault.Plan
	net    *network.Network
	faults *fault.Injector
	seen   *observe.Observer

	actors  []*member
	windows []*window
	// sampled are the events at which the state of all sockets is wanted.
	sampled map[language.EventRef]bool
	// counted are the faults of iptables and tc whose hits are events that something waits for, with those told so far;
	// awaited are those of queues, which tell each hit themselves.
	counted map[string]uint64
	awaited map[string]bool
	// on are the faults in force.
	on map[string]bool

	// inbox brings everything that happens outside the goroutine: functions to be called on it.
	inbox chan func() error
	// wanted is closed when the parent wants the run no longer, over when the run ends by itself.
	wanted, over chan struct{}

	out *outbox[message]
}

// runLab is the main function of the lab: it reads its job from control and writes messages to events. The end of control
// cancels the run.
func runLab(control, events *os.File) {
	l := &lab{
		sampled: map[language.EventRef]bool{},
		counted: map[string]uint64{},
		awaited: map[string]bool{},
		on:      map[string]bool{},
		inbox:   make(chan func() error, 64),
		wanted:  make(chan struct{}),
		over:    make(chan struct{}),
		out:     newOutbox(events, summarize),
	}
	dec := json.NewDecoder(control)
	err := dec.Decode(&l.job)
	if err == nil {
		go func() {
			defer close(l.wanted)
			var more json.RawMessage
			_ = dec.Decode(&more) // nothing more is ever sent: this returns at the end of the pipe
		}()
		err = l.run()
	}
	if err != nil {
		l.out.send(message{Failure: newFailure(err)})
	}
	// An error here means that nobody reads any more: the parent is gone, and the sandbox with it.
	_ = l.out.close()
}

// emit sends an event; it is safe for concurrent use.
func (l *lab) emit(e trace.Event) { l.out.send(message{Event: &e}) }

// now emits an event that happens now.
func (l *lab) now(e trace.Event) {
	e.T = l.Clock.Now()
	l.emit(e)
}

func (l *lab) run() error {
	if err := sandbox.Enter("halfopen"); err != nil {
		return err
	}
	l.reaper = sandbox.NewReaper()
	if err := l.announce(); err != nil {
		return err
	}
	if err := l.build(); err != nil {
		return err
	}
	if err := l.perform(); err != nil {
		return err
	}
	return nil
}

// announce writes the run event.
func (l *lab) announce() error {
	source, err := json.Marshal(l.Scenario)
	if err != nil {
		return fmt.Errorf("encoding the scenario: %w", err)
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return fmt.Errorf("asking for the kernel's release: %w", err)
	}
	at := l.Clock.Now()
	l.emit(trace.Event{Run: &trace.Run{
		Scenario: l.Scenario.Name,
		Case:     l.Scenario.Case,
		Family:   string(l.Scenario.Family),
		Params:   l.Scenario.Params,
		Seed:     l.Seed,
		Wall:     time.Now().Add(-at),
		Kernel:   unix.ByteSliceToString(uts.Release[:]),
		Version:  l.Version,
		Source:   source,
	}})
	return nil
}

// build makes the hosts, starts the actors' processes, the observers and the faults that are in force from the beginning.
func (l *lab) build() error {
	if err := afford(l.Scenario, l.reaper.Exec); err != nil {
		return err
	}
	if err := checkPrograms(l.Scenario); err != nil {
		return err
	}
	topology, err := network.Lay(l.Scenario)
	if err != nil {
		return err
	}
	var features fault.Features
	if slices.ContainsFunc(l.Scenario.Faults, func(f language.Fault) bool { return fault.MayUseNetem(&f) }) {
		features.Netem = kernel.Netem() == nil
	}
	if l.plan, err = fault.Compile(l.Scenario, topology, features); err != nil {
		return err
	}
	if l.net, err = network.Build(topology); err != nil {
		return err
	}
	if err := sandbox.HostsFile(topology.HostsFile()); err != nil {
		return err
	}
	l.watchEvents() // before the actors, who are told at which events to stand still
	if err := l.startActors(topology); err != nil {
		return err
	}
	hosts := l.tellHosts(topology)
	if err := l.tellSysctls(); err != nil {
		return err
	}
	if l.faults, err = fault.Open(l.net, l.plan, l.faultOptions(topology)); err != nil {
		return err
	}
	if l.seen, err = observe.Open(hosts, l.Scenario.SnaplenOrDefault(), l.Clock, l.emit); err != nil {
		return err
	}
	if err := l.seen.Counters("before"); err != nil {
		return err
	}
	for i := range l.plan.Faults {
		p := &l.plan.Faults[i]
		w := &window{fault: p.Name, spec: p.Window}
		l.windows = append(l.windows, w)
		// A fault without a beginning is there before the listeners are.
		if p.Window.From == "" && p.Window.After == 0 && p.Window.For == 0 {
			w.begun = true
			if err := l.switchFault(p.Name, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellHosts writes the host events and returns what there is to observe.
func (l *lab) tellHosts(topology *network.Topology) []observe.Host {
	var hosts []observe.Host
	for _, h := range topology.Hosts {
		e := &trace.Host{Name: h.Name}
		for _, a := range h.Addrs {
			e.Addresses = append(e.Addresses, a.String())
		}
		o := observe.Host{Name: h.Name, NS: l.net.Host(h.Name), NoSockets: h.Name == language.Wire}
		for _, link := range topology.LinkEnds(h.Name) {
			e.Links = append(e.Links, trace.Link{Device: link.Device, MTU: link.MTU, Peer: link.Peer})
			o.Devices = append(o.Devices, link.Device)
		}
		l.now(trace.Event{Host: e})
		hosts = append(hosts, o)
	}
	return hosts
}

// tellSysctls writes what the network set, and what expectations ask about.
func (l *lab) tellSysctls() error {
	for _, s := range l.net.Sysctls() {
		l.now(trace.Event{Sysctl: &trace.Sysctl{Host: s.Host, Name: s.Name, Value: s.Value, Missing: s.Missing}})
	}
	host := l.Scenario.Hosts[0].Name
	for i := range l.Scenario.Expect {
		w := l.Scenario.Expect[i].Where
		if w == nil {
			continue
		}
		for _, name := range []string{w.Sysctl, w.NoSysctl} {
			if name == "" {
				continue
			}
			value, ok, err := l.net.Host(host).Sysctl(name)
			if err != nil {
				return err
			}
			l.now(trace.Event{Sysctl: &trace.Sysctl{Host: host, Name: name, Value: value, Missing: !ok}})
		}
	}
	return nil
}

// watchEvents notes the events of which something besides actors must know.
func (l *lab) watchEvents() {
	for i := range l.Scenario.Expect {
		e := &l.Scenario.Expect[i]
		var refs []language.EventRef
		switch {
		case e.Sockets != nil:
			refs = append(refs, e.Sockets.When)
		case e.Holds != nil:
			refs = append(refs, e.Holds.From, e.Holds.Until)
		case e.Never != nil:
			refs = append(refs, e.Never.From, e.Never.Until)
		}
		for _, r := range refs {
			if r != "" {
				l.sampled[r.Canonical()] = true
			}
		}
	}
	for _, r := range language.EventRefs(l.Scenario) {
		e, err := r.Parse()
		switch {
		case err != nil || e.Fault == "":
		case l.plan.Fault(e.Fault).Mechanism == fault.NFQueue:
			l.awaited[e.Fault] = true
		default:
			l.counted[e.Fault] = 0
		}
	}
}

func (l *lab) faultOptions(topology *network.Topology) fault.Options {
	hosts := selector.Hosts{}
	for _, h := range topology.Hosts {
		hosts[h.Name] = append(hosts[h.Name], h.Addrs...)
	}
	return fault.Options{
		Exec:   l.reaper.Exec,
		Seed:   l.Seed,
		Hosts:  hosts,
		Now:    l.Clock.Now,
		Struck: l.struck,
		Failed: func(err error) {
			l.now(trace.Event{Note: &trace.Note{Text: err.Error(), Untrue: true}})
		},
	}
}

// struck tells of a hit in a queue. The packet goes on when struck returns: not before all that waits for the hit has been
// done. It is called on the queue's goroutine.
func (l *lab) struck(host string, s queue.Strike) {
	l.now(trace.Event{Fault: &trace.Fault{
		Name: s.Fault, What: "hit", Hits: s.N, Host: host, Effect: s.Effect, By: s.By, Packet: s.Packet,
	}})
	if !l.awaited[s.Fault] {
		return
	}
	done := make(chan struct{})
	tell := func() error {
		defer close(done)
		return l.happened(hitOf(s.Fault, s.N))
	}
	select {
	case l.inbox <- tell:
	case <-l.over:
		return
	}
	select {
	case <-done:
	case <-l.over:
	}
}

// gates returns the events of an actor at which it must stand still.
func (l *lab) gates(actor string) []language.EventRef {
	var gates []language.EventRef
	add := func(ref language.EventRef) {
		if strings.HasPrefix(string(ref), actor+".") && !slices.Contains(gates, ref) {
			gates = append(gates, ref)
		}
	}
	for i := range l.Scenario.Faults {
		f := &l.Scenario.Faults[i]
		add(f.From)
		add(f.Until)
		if f.Do.Hold != nil {
			add(f.Do.Hold.Until)
		}
		if f.Do.Replay != nil {
			add(f.Do.Replay.Until)
		}
	}
	for event := range l.sampled {
		add(event)
	}
	return gates
}

// switchFault puts a fault in force or out of it.
func (l *lab) switchFault(name string, on bool) error {
	if l.on[name] == on {
		return nil
	}
	l.on[name] = on
	if !on {
		if err := l.faults.Off(name); err != nil {
			return err
		}
		l.now(trace.Event{Fault: &trace.Fault{Name: name, What: "off"}})
		return nil
	}
	if err := l.faults.On(name); err != nil {
		return err
	}
	p := l.plan.Fault(name)
	l.now(trace.Event{Fault: &trace.Fault{Name: name, What: "on", Mechanism: string(p.Mechanism), Why: p.Why}})
	return nil
}

// apply does what windows ask for, at once or in time.
func (l *lab) apply(changes []change) error {
	for _, c := range changes {
		if c.after == 0 {
			if err := l.switchFault(c.fault, c.on); err != nil {
				return err
			}
			continue
		}
		l.later(c.after, func() error {
			if w := l.window(c.fault); c.on && w.over {
				return nil
			}
			return l.switchFault(c.fault, c.on)
		})
	}
	return nil
}

func (l *lab) window(fault string) *window {
	i := slices.IndexFunc(l.windows, func(w *window) bool { return w.fault == fault })
	return l.windows[i]
}

// later has f called on the lab's goroutine after a time.
func (l *lab) later(after time.Duration, f func() error) {
	time.AfterFunc(after, func() { l.inbox <- f })
}

// hitOf returns the event of a fault's nth hit.
func hitOf(fault string, n uint64) language.EventRef {
	return language.Event{Kind: language.EventFaultHit, Fault: fault, N: int(n)}.Ref()
}

// happened passes an event, in canonical form, on to windows, observers and actors.
func (l *lab) happened(event language.EventRef) error {
	if event == "" {
		return nil
	}
	l.seen.Notice()
	for _, w := range l.windows {
		if err := l.apply(w.happened(event)); err != nil {
			return err
		}
	}
	l.faults.Happened(event)
	if l.sampled[event] {
		if err := l.seen.Sample(func() { l.now(trace.Event{Sampled: &trace.Sampled{Event: string(event)}}) }); err != nil {
			return err
		}
	}
	for _, a := range l.actors {
		a.tell(event)
	}
	return nil
}

// pollHits is how often the hits of faults are read while something waits for one.
const pollHits = 10 * time.Millisecond

// perform runs the actors to their end and writes the last events.
func (l *lab) perform() error {
	if err := l.prepare(); err != nil {
		return err
	}
	for _, w := range l.windows {
		if !w.begun {
			if err := l.apply(w.start()); err != nil {
				return err
			}
		}
	}
	// What the first steps have made, such as a LISTEN socket, is there from the start.
	if err := l.seen.Sample(func() { l.now(trace.Event{Start: &trace.Start{}}) }); err != nil {
		return err
	}
	for _, a := range l.actors {
		a.begin()
	}
	deadline := time.NewTimer(l.Scenario.DeadlineOrDefault())
	defer deadline.Stop()
	var poll <-chan time.Time
	if len(l.counted) > 0 {
		ticker := time.NewTicker(pollHits)
		defer ticker.Stop()
		poll = ticker.C
	}
	reason := "done"
	for reason == "done" && !l.allDone() {
		select {
		case f := <-l.inbox:
			if err := f(); err != nil {
				return err
			}
		case <-poll:
			if err := l.tellHits(); err != nil {
				return err
			}
		case <-deadline.C:
			reason = "deadline"
		case <-l.wanted:
			reason = "canceled"
		}
	}
	return l.finish(reason)
}

// prepare has the actors that serve do their first steps.
func (l *lab) prepare() error {
	for _, a := range l.actors {
		a.prepare()
	}
	patience := time.After(10 * time.Second)
	for !l.allPrepared() {
		select {
		case f := <-l.inbox:
			if err := f(); err != nil {
				return err
			}
		case <-l.wanted:
			return fmt.Errorf("the run was canceled before its actors began")
		case <-patience:
			return fmt.Errorf("%s did not finish its first steps within 10 s", l.unprepared())
		}
	}
	return nil
}

// tellHits raises the events of hits that came since the last time.
func (l *lab) tellHits() error {
	for name, told := range l.counted {
		hits, err := l.faults.Hits(name)
		if err != nil {
			return err
		}
		for n := told + 1; n <= hits; n++ {
			l.now(trace.Event{Fault: &trace.Fault{Name: name, What: "hits", Hits: n}})
			if err := l.happened(hitOf(name, n)); err != nil {
				return err
			}
		}
		l.counted[name] = hits
	}
	return nil
}

// finish writes what is known only at the end.
func (l *lab) finish(reason string) error {
	close(l.over)
	for i := range l.plan.Faults {
		name := l.plan.Faults[i].Name
		hits, err := l.faults.Hits(name)
		if err != nil {
			return err
		}
		l.now(trace.Event{Fault: &trace.Fault{Name: name, What: "hits", Hits: hits}})
	}
	if err := l.seen.Counters("after"); err != nil {
		return err
	}
	if err := l.seen.Stop(); err != nil {
		return err
	}
	l.now(trace.Event{End: &trace.End{Reason: reason, Hanging: l.hanging()}})
	return nil
}
