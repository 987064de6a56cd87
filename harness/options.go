package harness

import "halfopen/harness/trace"

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
}
