package harness

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/observe"
	"halfopen/harness/trace"
	"halfopen/inject/network"
	"halfopen/internal/version"
	"halfopen/scenarios/language"
)

// noRunQueue is the note of a run on a kernel without CONFIG_SCHED_INFO, which does not say how long
// threads wait for a processor.
const noRunQueue = "lateness is from the lab's own clocks alone: no /proc/PID/schedstat"

// announce emits the run event.
func (l *lab) announce() error {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return fmt.Errorf("reading the kernel's release: %w", err)
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
		Version:  version.String(),
		Dir:      l.Dir,
		Source:   l.Source,
	}})
	if !actor.ShowsRunQueue() {
		l.now(trace.Event{Note: &trace.Note{Text: noRunQueue}})
	}
	return nil
}

// announceNamespaces sends the parent the namespaces of all hosts. It watches them from a process
// that may have privileges which this one, in a user namespace, does not have.
func (l *lab) announceNamespaces(topology *network.Topology) error {
	var all []namespace
	for _, h := range topology.Hosts {
		var stat unix.Stat_t
		if err := unix.Fstat(l.net.Host(h.Name).FD(), &stat); err != nil {
			return fmt.Errorf("looking at the network namespace of %s: %w", h.Name, err)
		}
		all = append(all, namespace{Host: h.Name, Inode: stat.Ino})
	}
	l.out.Send(message{Namespaces: all})
	return nil
}

// awaitKernelWatched waits until the parent watches the namespaces: nothing of the scenario may
// happen before. With exact transitions, sockets need fewer looks.
func (l *lab) awaitKernelWatched() error {
	select {
	case t := <-l.kernelWatched:
		if l.exact = t.Show(trace.Transitions); l.exact {
			l.seen.Relax()
		}
		l.lookOften()
		return l.useStrace(t)
	case <-l.canceled:
		return errCanceledEarly
	}
}

// announceHosts emits the host events and returns the hosts to observe.
func (l *lab) announceHosts(topology *network.Topology) []observe.Host {
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

// announceSysctls emits the sysctls that the network set and the sysctls that expectations ask for.
func (l *lab) announceSysctls() error {
	for _, s := range l.net.Sysctls() {
		l.now(trace.Event{
			Sysctl: &trace.Sysctl{
				Host: s.Host, Name: s.Name, Value: s.Value, Missing: s.Missing, Routes: s.Routes,
			},
		})
		if s.Routes != "" && s.Asked {
			l.now(trace.Event{Note: &trace.Note{Text: fmt.Sprintf(
				"connections of %s have %s, by routes; its sysctl stays %s: the kernel lets no namespace "+
					"set a congestion control that net.ipv4.tcp_allowed_congestion_control does not have",
				s.Host, s.Routes, s.Value)}})
		}
	}
	host := l.anyHost()
	for i := range l.Scenario.Expect {
		w := l.Scenario.Expect[i].Where
		if w == nil {
			continue
		}
		for name := range w.Conditions() {
			value, ok, err := l.net.Host(host).Sysctl(name)
			if err != nil {
				return err
			}
			l.has[name] = ok
			l.now(trace.Event{Sysctl: &trace.Sysctl{Host: host, Name: name, Value: value, Missing: !ok}})
		}
	}
	return nil
}

// met reports whether this kernel meets the condition of an expectation.
func (l *lab) met(w *language.Where) bool {
	for name, want := range w.Conditions() {
		if l.has[name] != want {
			return false
		}
	}
	return true
}

// anyHost names a host whose sysctls stand for those of all hosts: they run on one kernel, and
// which sysctls a namespace has depends on nothing else.
func (l *lab) anyHost() string { return l.Scenario.Hosts[0].Name }
