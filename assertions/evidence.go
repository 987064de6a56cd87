package assertions

import (
	"net/netip"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/proof"
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
