package harness

import (
	"errors"
	"slices"
	"sync"

	"halfopen/harness/internal/tracepoint"
	"halfopen/harness/trace"
	"halfopen/inject"
)

// openView opens the view of the kernel that all labs of this process share, once. It is never
// closed: the kernel takes it away when the process ends.
var openView = sync.OnceValues(tracepoint.Open)

// Prepare makes what all runs of this process share: eBPF programs in the kernel's tracepoints,
// where they are allowed. It takes some 10 ms. [Run] calls it as well, while its lab starts.
func Prepare() { _, _ = openView() } // each run says in its trace why there is none

// mostKept is how many events of tracepoints of each kind a trace has for each host, the first
// ones. The others are counted as lost.
var mostKept = [tracepoint.Kinds]int{
	tracepoint.KindTransition: 100_000,
	tracepoint.KindDrop:       20_000,
	tracepoint.KindRetransmit: 20_000,
	tracepoint.KindReset:      20_000,
	tracepoint.KindProbe:      20_000,
	tracepoint.KindCall:       100_000,
}

// tracepoints are the events of the kernel's tracepoints in the hosts of one lab.
type tracepoints struct {
	// off is set if none are wanted.
	off     bool
	view    *tracepoint.View // nil before watch, and if nothing can be watched
	hosts   []*watchedHost
	stopped bool
	// reached, if not nil, is called with each transition; it must return at once.
	reached func(trace.Event)
	clock   trace.Clock // of reached
	// failed says why events may be missing that are not counted as lost; nil if none are.
	failed error

	mu sync.Mutex
	// waiting are the events that take has not returned yet; mu.
	waiting []hostEvent
}

// watchedHost is a host whose events are reported.
type watchedHost struct {
	name  string
	watch *tracepoint.Watch
	kept  [tracepoint.Kinds]int // for the goroutine that reports
	// left are the events that were not kept, for the goroutine that reports; lost those that the
	// kernel lost, after stop.
	left, lost tracepoint.Lost
}

// hostEvent is an event and the host that it happened on.
type hostEvent struct {
	host  string
	event tracepoint.Event
}

// newTracepoints prepares the events of a lab that is about to start.
func newTracepoints(off bool) *tracepoints {
	if !off {
		go Prepare()
	}
	return &tracepoints{off: off}
}

// watch watches the namespaces of all hosts, until stop. It says whether it does.
func (t *tracepoints) watch(namespaces []namespace) *trace.Tracepoints {
	if t.off {
		return &trace.Tracepoints{Off: trace.LeftAlone}
	}
	var err error
	if t.view, err = openView(); err != nil {
		return unwatched(err)
	}
	for _, ns := range namespaces {
		h := &watchedHost{name: ns.Host}
		h.watch, err = t.view.Watch(ns.Inode, func(e tracepoint.Event) { t.keep(h, e) })
		if err != nil {
			t.stop()
			t.hosts, t.waiting = nil, nil
			return unwatched(err)
		}
		t.hosts = append(t.hosts, h)
	}
	return &trace.Tracepoints{Gaps: gaps(t.view.Missing())}
}

// dropReasons returns the reasons for drops that the kernel has, sorted; nil if it is not watched.
func (t *tracepoints) dropReasons() []string {
	if len(t.hosts) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(t.view.DropReasons()))
}

// unwatched says why there are no events.
func unwatched(err error) *trace.Tracepoints {
	var missing *inject.MissingError
	if !errors.As(err, &missing) {
		return &trace.Tracepoints{Off: err.Error()}
	}
	short := *missing
	short.NeededBy, short.Remedy = "", ""
	return &trace.Tracepoints{Off: short.Error(), Remedy: missing.Remedy}
}

// keep keeps an event until take. It is called on the goroutine that reports for all labs.
func (t *tracepoints) keep(h *watchedHost, e tracepoint.Event) {
	if t.reached != nil && e.Kind() == tracepoint.KindTransition {
		t.reached(traceEvent(h.name, t.clock, e))
	}
	kind := e.Kind()
	if h.kept[kind] >= mostKept[kind] {
		h.left[kind]++
		return
	}
	h.kept[kind]++
	t.mu.Lock()
	t.waiting = append(t.waiting, hostEvent{h.name, e})
	t.mu.Unlock()
}

// take returns the events since its last call, nearly in the order of time.
func (t *tracepoints) take(clock trace.Clock) []trace.Event {
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = nil
	t.mu.Unlock()
	events := make([]trace.Event, 0, len(waiting))
	for _, w := range waiting {
		events = append(events, traceEvent(w.host, clock, w.event))
	}
	return events
}

// stop ends the watch: take then returns the last events.
func (t *tracepoints) stop() {
	if t.stopped {
		return
	}
	t.stopped = true
	if len(t.hosts) == 0 {
		return
	}
	var watches []*tracepoint.Watch
	for _, h := range t.hosts {
		watches = append(watches, h.watch)
	}
	lost, err := t.view.Stop(watches...)
	t.failed = err
	for i, h := range t.hosts {
		h.lost = lost[i]
	}
}

// lost says, after stop, which events are missing.
func (t *tracepoints) lost() []trace.Event {
	var events []trace.Event
	for _, h := range t.hosts {
		for kind, n := range h.lost {
			if all := n + h.left[kind]; all > 0 {
				events = append(events, trace.Event{Lost: &trace.Lost{
					Host: h.name, Events: kernelEvents[kind], N: all, Kernel: n,
				}})
			}
		}
	}
	if t.failed != nil {
		events = append(events, trace.Event{Note: &trace.Note{Text: t.failed.Error(), Untrue: true}})
	}
	return events
}

// kernelEvents are the names of the kinds in a trace.
var kernelEvents = [tracepoint.Kinds]trace.KernelEvent{
	tracepoint.KindTransition: trace.Transitions,
	tracepoint.KindDrop:       trace.Drops,
	tracepoint.KindRetransmit: trace.Retransmits,
	tracepoint.KindReset:      trace.Resets,
	tracepoint.KindProbe:      trace.Probes,
	tracepoint.KindCall:       trace.Calls,
}

// gaps names what the kernel does not show, sorted by kind.
func gaps(missing []tracepoint.Gap) []trace.Gap {
	var all []trace.Gap
	for _, g := range missing {
		all = append(all, trace.Gap{
			Events: kernelEvents[g.Kind], Text: g.String(), Partial: g.Lacks != "",
		})
	}
	slices.SortStableFunc(all, func(a, b trace.Gap) int {
		return slices.Index(kernelEvents[:], a.Events) - slices.Index(kernelEvents[:], b.Events)
	})
	return all
}
