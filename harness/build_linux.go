package harness

import (
	"errors"
	"slices"

	"halfopen/harness/internal/observe"
	"halfopen/harness/trace"
	"halfopen/inject"
	"halfopen/inject/fault"
	"halfopen/inject/network"
	"halfopen/internal/kernel"
	"halfopen/internal/selector"
	"halfopen/scenarios/language"
)

// build makes the hosts, starts the actors' processes and the observers, and puts in force the
// faults that have no beginning.
func (l *lab) build() error {
	l.doing("checking what this machine can do")
	if err := afford(l.Scenario, l.reaper.Exec); err != nil {
		return err
	}
	if l.absent != nil {
		return l.absent
	}
	topology, err := network.Plan(l.Scenario)
	if err != nil {
		return err
	}
	var features fault.Features
	if slices.ContainsFunc(l.Scenario.Faults,
		func(f language.Fault) bool { return fault.MayUseNetem(&f) }) {
		features.Netem = kernel.Netem() == nil
	}
	if l.plan, err = fault.Compile(l.Scenario, topology, features); err != nil {
		return err
	}
	l.doing("making the hosts")
	if l.net, err = network.Make(topology); err != nil {
		return err
	}
	// The actors' processes start while the network is built.
	l.watched = watchedEvents(l.Scenario, l.plan)
	if l.Hold == HoldDuring {
		l.watched.readAll(l.plan)
	}
	l.doing("starting the actors")
	if err := l.startActors(topology); err != nil {
		return err
	}
	l.doing("building the network")
	if err := l.net.Connect(); err != nil {
		return err
	}
	if err := l.announceNamespaces(topology); err != nil {
		return err
	}
	if err := affordSteps(l.Scenario, l.net); err != nil {
		return err
	}
	if err := l.answerUnrouted(); err != nil {
		return err
	}
	hosts := l.announceHosts(topology)
	if err := l.announceSysctls(); err != nil {
		return err
	}
	l.doing("preparing the faults")
	if l.faults, err = fault.Open(l.net, l.plan, l.faultOptions(topology)); err != nil {
		return err
	}
	if err := l.serveNames(); err != nil {
		return err
	}
	l.doing("opening the captures and reading the counters")
	if l.seen, err = observe.Open(hosts, snaplen(l.Scenario), l.Clock, l.emitSeen); err != nil {
		return err
	}
	if err := l.seen.Counters(trace.Before); err != nil {
		return err
	}
	// The parent has had time since the network was built.
	if err := l.awaitKernelWatched(); err != nil {
		return err
	}
	l.doing("switching the first faults")
	return l.openWindows()
}

// answerUnrouted makes the wire answer packets for which it has no route. If it cannot, a note says
// so.
func (l *lab) answerUnrouted() error {
	err := l.net.AnswerUnrouted(l.reaper.Exec)
	var lacking *inject.MissingError
	if errors.As(err, &lacking) {
		l.now(trace.Event{Note: &trace.Note{Text: err.Error()}})
		return nil
	}
	return err
}

// snaplen returns how many bytes of each frame the capture keeps; 0 for the headers.
func snaplen(s *language.Scenario) int {
	if s.Network.Snaplen == 0 && selector.AskForPayload(s) {
		return language.MaxSnaplen
	}
	return s.Network.Snaplen
}
