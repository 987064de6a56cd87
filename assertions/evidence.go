package assertions

import (
	"fmt"
	"net/netip"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/proof"
	"halfopen/internal/say"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// evidence is a trace, indexed in the ways the judges need.
type evidence struct {
	s       *language.Scenario
	t       *trace.Trace
	flows   *trace.Flows
	hosts   selector.Hosts
	sysctls map[string]bool // whether the kernel has each sysctl that was probed
	started time.Duration
	ended   time.Duration // when the run ended, or the last event if it has no end
	end     *trace.End
	untrue  []string
	// lateness is how late the lab was.
	lateness *trace.Lateness
	// full are the hosts of which the machine had no room for a packet.
	full map[string]bool
	// joined are the hosts that are joined; made by groups.
	joined groups
	// packets and sockets are the indexes of those events.
	packets []int
	sockets []int
	// scene is what the proof of states has to know of the scenario.
	scene proof.Scene
	// proven are the sockets of each host and their states; made by lives.
	proven map[string][]*proof.Socket
	sent   []int // made by sentOnce
	// exact are the hosts of which the kernel showed each transition of their sockets.
	exact map[string]bool
	// reported has the steps that could not be tried of which a verdict says so already.
	reported map[int]bool
	// starts and steps are the indexes of those events by step.
	starts map[stepKey][]int
	steps  map[stepKey][]int
	// readFor has the time at which the sockets had been read for an event.
	readFor map[string]time.Duration
}

// stepKey is a step of an actor.
type stepKey struct{ actor, id string }

func newEvidence(s *language.Scenario, t *trace.Trace) *evidence {
	ev := &evidence{
		s:        s,
		t:        t,
		flows:    t.Flows(),
		hosts:    t.Addresses(),
		sysctls:  map[string]bool{},
		full:     map[string]bool{},
		reported: map[int]bool{},
		scene:    proof.SceneOf(s),
		exact:    proof.Exact(t),
		started:  t.Started(),
		lateness: t.Lateness(),
		starts:   map[stepKey][]int{},
		steps:    map[stepKey][]int{},
		readFor:  map[string]time.Duration{},
	}
	for i := range t.Events {
		switch e := &t.Events[i]; {
		case e.Sysctl != nil:
			ev.sysctls[e.Sysctl.Name] = ev.sysctls[e.Sysctl.Name] || !e.Sysctl.Missing
		case e.Note != nil && e.Note.Untrue:
			ev.untrue = append(ev.untrue, e.Note.Text)
		case e.Start != nil && e.Start.Step != "":
			key := stepKey{e.Start.Actor, e.Start.Step}
			ev.starts[key] = append(ev.starts[key], i)
		case e.Step != nil:
			key := stepKey{e.Step.Actor, e.Step.ID}
			ev.steps[key] = append(ev.steps[key], i)
		case e.Drop != nil && e.Drop.Full():
			ev.full[e.Drop.Host] = true
		case e.IsPacket():
			ev.packets = append(ev.packets, i)
		case e.Socket != nil:
			ev.sockets = append(ev.sockets, i)
		case e.Sampled != nil:
			if _, again := ev.readFor[e.Sampled.Event]; !again {
				ev.readFor[e.Sampled.Event] = e.T
			}
		}
		ev.ended = max(ev.ended, t.Events[i].T)
	}
	ev.end, _ = t.End()
	return ev
}

// family returns the host's addresses of the run's IP version.
func (ev *evidence) family(host string) []netip.Addr {
	var own []netip.Addr
	for _, a := range ev.hosts[host] {
		if a.Is4() == (ev.s.Family != language.V6) {
			own = append(own, a)
		}
	}
	return own
}

// moment returns when an event happened, see [Moment].
func (ev *evidence) moment(ref language.EventRef) (time.Duration, error) { return Moment(ev.t, ref) }

// Moment returns when an event happened in a run: the end or start of a step, the end of a program, a
// signal, or a fault's hit. It is an error if the event never happened.
//
// A step that has ended says when it began, right before its system call. The report of its start
// was written a little before that, longer on a busy machine.
func Moment(t *trace.Trace, ref language.EventRef) (time.Duration, error) {
	want, err := ref.Parse()
	if err != nil {
		return 0, err
	}
	reported := time.Duration(-1)
	for i := range t.Events {
		e := &t.Events[i]
		happened := false
		switch want.Kind {
		case language.EventStepEnd:
			happened = e.Step != nil && e.Step.Actor == want.Actor && e.Step.ID == want.Step &&
				e.Step.N == want.N
		case language.EventStepStart:
			switch {
			case e.Start != nil && e.Start.Actor == want.Actor && e.Start.Step == want.Step &&
				e.Start.N == want.N:
				reported = e.T
			case e.Step != nil && e.Step.Actor == want.Actor && e.Step.ID == want.Step &&
				e.Step.N == want.N:
				return e.Step.Began, nil
			}
		case language.EventProgramEnd:
			happened = e.Program != nil && e.Program.What == trace.ProgramEnded &&
				e.Program.Actor == want.Actor && e.Program.Step == want.Step && e.Program.N == want.N
		case language.EventSignal:
			happened = e.Signal != nil && e.Signal.Actor == want.Actor &&
				e.Signal.Name == want.Signal
		case language.EventFaultHit:
			happened = e.Fault != nil && e.Fault.Name == want.Fault &&
				(e.Fault.What == trace.FaultHits || e.Fault.What == trace.FaultHit) &&
				e.Fault.Hits >= uint64(want.N)
		}
		if happened {
			return e.T, nil
		}
	}
	if reported >= 0 {
		return reported, nil
	}
	return 0, fmt.Errorf("the event %s never happened", ref)
}

// when writes a moment as the time since the start of the actors.
func (ev *evidence) when(at time.Duration) string { return say.Duration(at - ev.started) }

// socketMoment returns when the sockets were read for an event: if they were read for it alone, a
// little after the end of a step, a signal or a hit, and a little before the start of a step. The
// faults that the event switches act only after that.
func (ev *evidence) socketMoment(ref language.EventRef) (time.Duration, error) {
	at, err := ev.moment(ref)
	if err != nil {
		return 0, err
	}
	if sampled := ev.sampled(ref); sampled >= 0 {
		return sampled, nil
	}
	return at, nil
}

// sampled returns when the sockets had been read for an event; -1 if they were not read for it.
func (ev *evidence) sampled(ref language.EventRef) time.Duration {
	if at, ok := ev.readFor[string(ref.Canonical())]; ok {
		return at
	}
	return -1
}

// since returns the moment of an event, or the start of the actors if none is named.
func (ev *evidence) since(ref language.EventRef) (time.Duration, error) {
	if ref == "" {
		return ev.started, nil
	}
	return ev.moment(ref)
}
