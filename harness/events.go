package harness

import (
	"slices"

	"halfopen/inject/fault"
	"halfopen/scenarios/language"
)

// watched are the events of a run to which something in the lab reacts. They are a pure function of
// the scenario and its plan. All events are in canonical form.
type watched struct {
	// sampled are the events at which the state of all sockets is wanted.
	sampled map[language.EventRef]bool
	// awaited are the faults in a queue whose hits something waits for. The queue reports each hit.
	awaited map[string]bool
	// counted are the faults in iptables or tc whose hits something waits for. Their counters must
	// be read.
	counted []string
	// read are other such faults, whose hits are reported, but nothing waits for one.
	read []string
	// gates are, by actor, the events at which the actor must stand still until everything that
	// they set off is done.
	gates map[string][]language.EventRef
	// lines are, by actor, the lines of its programs that something waits for.
	lines map[string][]language.EventRef
}

// readAll adds the faults whose hits nobody reports otherwise: whoever holds the lab may wait for any.
func (w *watched) readAll(plan *fault.Plan) {
	for i := range plan.Faults {
		if p := &plan.Faults[i]; p.Mechanism != fault.NFQueue && !slices.Contains(w.counted, p.Name) {
			w.read = append(w.read, p.Name)
		}
	}
}

func watchedEvents(s *language.Scenario, plan *fault.Plan) *watched {
	w := &watched{
		sampled: map[language.EventRef]bool{},
		awaited: map[string]bool{},
		gates:   map[string][]language.EventRef{},
		lines:   map[string][]language.EventRef{},
	}
	for i := range s.Expect {
		for _, ref := range s.Expect[i].SampledAt() {
			w.sampled[ref] = true
			w.gate(ref)
		}
	}
	for i := range s.Faults {
		for _, ref := range language.EventRefs(&s.Faults[i]) {
			w.gate(ref)
		}
	}
	for _, ref := range language.EventRefs(s) {
		e, err := ref.Parse()
		switch {
		case err != nil:
		case e.Kind == language.EventFaultHit:
			w.hit(plan.Fault(e.Fault))
		case e.Kind == language.EventLog:
			add(w.lines, e.Actor, e.Ref())
		}
	}
	return w
}

// gate makes an event a gate of the actor that causes it, if a step of an actor does.
func (w *watched) gate(ref language.EventRef) {
	e, err := ref.Parse()
	if err != nil || e.Actor == "" || e.Kind == language.EventProgramEnd || e.IsWatched() {
		return
	}
	add(w.gates, e.Actor, e.Ref())
}

// add adds an event of an actor, once.
func add(events map[string][]language.EventRef, actor string, event language.EventRef) {
	if !slices.Contains(events[actor], event) {
		events[actor] = append(events[actor], event)
	}
}

// hit adds a fault whose hits something waits for. It is nil if the run is a control without it.
func (w *watched) hit(p *fault.Planned) {
	switch {
	case p == nil:
	case p.Mechanism == fault.NFQueue:
		w.awaited[p.Name] = true
	case !slices.Contains(w.counted, p.Name):
		w.counted = append(w.counted, p.Name)
	}
}

// hitOf returns the event of a fault's nth hit.
func hitOf(fault string, n uint64) language.EventRef {
	return language.Event{Kind: language.EventFaultHit, Fault: fault, N: int(n)}.Ref()
}
