package harness

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// callsView is the view of the calls of programs that all labs of this process share. It slows down
// each system call of the machine, so it is open only while a lab needs it.
type callsView struct {
	mu    sync.Mutex
	users int              // mu
	view  *tracepoint.View // mu; nil if it is closed
}

var sharedCalls callsView

// open returns the view until close is called as often.
func (s *callsView) open() (*tracepoint.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil {
		view, err := tracepoint.OpenCalls()
		if err != nil {
			return nil, err
		}
		s.view = view
	}
	s.users++
	return s.view, nil
}

func (s *callsView) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	view := s.view
	s.view = nil
	return view.Close()
}

// calls are the system calls of the programs of one lab. All methods of nil do nothing.
type calls struct {
	clock trace.Clock
	// byStrace is set if strace may show them.
	byStrace bool
	// opened returns the view; nil if there is to be none.
	opened  func() (*tracepoint.View, error)
	hosts   []*watchedHost
	stopped bool
	failed  error
	// programs are those of the run, by the number of their process.
	programs map[int]*trace.Program

	mu   sync.Mutex
	seen []hostEvent // mu
}

// newCalls prepares the calls of a lab that is about to start; nil if it runs no programs. off leaves
// tracepoints alone.
func newCalls(s *language.Scenario, clock trace.Clock, off bool) *calls {
	if !s.RunsPrograms() {
		return nil
	}
	c := &calls{
		clock: clock, byStrace: s.Calls == language.CallsByStrace, programs: map[int]*trace.Program{},
	}
	if !off {
		c.opened = sync.OnceValues(sharedCalls.open)
		go func() { _, _ = c.opened() }() // watch gets the error
	}
	return c
}

// take keeps calls that strace has seen.
func (c *calls) take(of *hostCalls) {
	i := slices.IndexFunc(c.hosts, func(h *watchedHost) bool { return h.name == of.Host })
	if i < 0 {
		i = len(c.hosts)
		c.hosts = append(c.hosts, &watchedHost{name: of.Host})
	}
	h := c.hosts[i]
	for _, e := range of.Seen {
		c.keep(h, e)
	}
	for _, e := range of.Left {
		c.keep(h, e)
	}
	h.left[tracepoint.KindCall] += of.Lost
	h.lost[tracepoint.KindCall] += of.Rings // nobody knows how much they do, as of what the kernel loses
	if of.Unread {
		c.failed = fmt.Errorf("strace did not show all calls of the programs on %s: "+
			"it ended before the program, or did not answer in time", of.Host)
	}
}

// watch watches the namespaces of all hosts, until stop.
func (c *calls) watch(namespaces []namespace) error {
	view, err := c.opened()
	if err != nil {
		return err
	}
	for _, ns := range namespaces {
		h := &watchedHost{name: ns.Host}
		if h.watch, err = view.Watch(ns.Inode, func(e tracepoint.Event) { c.keep(h, e) }); err != nil {
			c.stop()
			return err
		}
		c.hosts = append(c.hosts, h)
	}
	return nil
}

// keep keeps an event until the end. It is called on the goroutine that reports for all labs, and by
// stop; events of strace come on that of the collector.
func (c *calls) keep(h *watchedHost, e tracepoint.Event) {
	if h.kept[tracepoint.KindCall] >= mostKept[tracepoint.KindCall] {
		h.left[tracepoint.KindCall]++
		return
	}
	h.kept[tracepoint.KindCall]++
	c.mu.Lock()
	c.seen = append(c.seen, hostEvent{h.name, e})
	c.mu.Unlock()
}

// started remembers a program of the lab.
func (c *calls) started(p *trace.Program) {
	if c != nil && p.What == trace.ProgramStarted {
		c.programs[p.PID] = p
	}
}

// stop ends the watch. It must be called once the run is over, or has failed.
func (c *calls) stop() {
	if c == nil || c.stopped || c.opened == nil {
		return
	}
	c.stopped = true
	view, err := c.opened()
	if err != nil {
		return
	}
	var watches []*tracepoint.Watch
	watched := slices.DeleteFunc(slices.Clone(c.hosts), func(h *watchedHost) bool { return h.watch == nil })
	for _, h := range watched {
		watches = append(watches, h.watch)
	}
	lost, err := view.Stop(watches...)
	for i, h := range watched {
		h.lost = lost[i]
	}
	c.failed = errors.Join(c.failed, err, sharedCalls.close())
}

// events returns the calls up to the end of the run, after stop. What else runs in the lab with few
// capabilities, such as a command that asks whether a program is ready, is not of the programs.
func (c *calls) events(end time.Duration) []trace.Event {
	if c == nil {
		return nil
	}
	type one struct {
		tid   int
		began time.Duration
	}
	pending := map[one]bool{}
	var events []trace.Event
	for _, s := range c.seen {
		switch e := s.event.(type) {
		case tracepoint.Call:
			p := c.programs[e.Root] // nil if no step has started it
			if p == nil {
				continue
			}
			call := callEvent(s.host, p, c.clock, &e)
			call.T = c.clock.At(e.At)
			if e.Unfinished || call.T > end {
				key := one{e.TID, e.Began}
				if call.Call.Began > end || pending[key] {
					continue
				}
				pending[key] = true
				call.T, call.Call.Unfinished = end, true
				call.Call.Result, call.Call.Errno = 0, ""
			}
			events = append(events, call)
		case tracepoint.CallsLeft:
			if p := c.programs[e.Root]; p != nil {
				events = append(events, trace.Event{T: end, CallsLeft: &trace.CallsLeft{
					Host: s.host, Actor: p.Actor, Step: p.Step, N: p.N, Name: e.Name,
					Errno: errnoName(e.Err), Count: e.N,
				}})
			}
		}
	}
	return events
}

// lost says, after stop, how many calls are missing.
func (c *calls) lost() []trace.Event {
	if c == nil {
		return nil
	}
	var events []trace.Event
	for _, h := range c.hosts {
		n, left := h.lost[tracepoint.KindCall], h.left[tracepoint.KindCall]
		if n+left > 0 {
			events = append(events, trace.Event{Lost: &trace.Lost{
				Host: h.name, Events: trace.Calls, N: n + left, Kernel: n,
			}})
		}
	}
	if c.failed != nil {
		events = append(events, trace.Event{Note: &trace.Note{Text: c.failed.Error(), Untrue: true}})
	}
	return events
}
