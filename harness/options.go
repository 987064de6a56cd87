package harness

import (
	"context"
	"os"

	"halfopen/harness/trace"
)

// Options are the settings of a run. The zero value is ready to use.
type Options struct {
	// Seed feeds everything random in the run.
	Seed uint64
	// NoTracepoints leaves the kernel's tracepoints alone, as on a machine that does not allow them.
	NoTracepoints bool
	// Writable are folders of the machine that the programs of the scenario may write to, as absolute
	// paths.
	Writable []string
	// Logs, if not "", is a folder in which the run makes a file for each output of a program, named by
	// [trace.LogName], with all that was written to it. A file of that name must not be there.
	Logs string
	// Emit, if not nil, is called with each event as it arrives, one at a time. Packets, sockets
	// and events of tracepoints arrive a little late and out of order; the trace that Run returns
	// is sorted.
	Emit func(trace.Event)
	// Forget leaves all events but the end out of the trace that Run returns: Emit gets them.
	Forget bool
	// Complete, if not nil, is called with the trace of a run that was not canceled and did not fail,
	// as soon as it has its last event. Run goes on to wait until the kernel has taken the lab away.
	Complete func(*trace.Trace)
	// Keep, if not nil, is called after Complete, with the lab as the run left it: its programs have been
	// stopped, actors still have their sockets, and faults are in force. No deadline holds any more. The
	// lab is taken away when Keep returns.
	Keep func(context.Context)
	// Hold keeps the lab for people or for the caller, who reach it by what Opened gets: before its actors
	// begin, while they run, or when they have done their steps or the scenario's deadline has come. Then
	// no deadline holds until [Lab.Release].
	Hold Hold
	// Off are faults that the scenario does not switch: they are not in force until the holder of the lab
	// puts them in force. Other names are ignored.
	Off []string
	// Opened, if not nil, is called once, when the actors begin or the lab is held before. It must
	// return at once.
	Opened func(*Lab)
}

// Hold is when a lab is held.
type Hold string

// The values of [Options.Hold].
const (
	HoldNever  Hold = ""
	HoldBefore Hold = "before" // the actors do not begin at all
	// HoldDuring has the actors run while the lab is held. After the release they have the time of the
	// deadline to end. Hits of all faults are reported: those that nothing waits for within 50 ms.
	HoldDuring Hold = "during"
	HoldAfter  Hold = "after"
)

// Lab is a lab that is there, for whoever holds it. Its methods are safe for concurrent use.
type Lab struct {
	// Hosts are its hosts, in the order of the scenario.
	Hosts []string
	// Held is closed when the lab is held.
	Held <-chan struct{}

	pass    func(request []byte, files []*os.File) error
	release func() error
}

// Pass gives a request to the lab: JSON, as package hand in this module's folder internal describes it.
// The files are the connection to the client, to whom the lab answers, and the streams of the request.
// They stay open. If the lab is gone, the connection ends.
func (l *Lab) Pass(request []byte, files []*os.File) error { return l.pass(request, files) }

// Release ends the hold: the run ends.
func (l *Lab) Release() error { return l.release() }
