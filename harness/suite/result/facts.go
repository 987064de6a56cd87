package result

import (
	"halfopen/harness/trace"
)

// Facts are what a trace says of its run in short. A result keeps them when its trace is gone.
type Facts struct {
	// Kernel is uname -r of the kernel that the run used.
	Kernel string
	// Ended is why the run ended. Hanging are the steps that had not ended.
	Ended   trace.EndReason
	Hanging []string
	// Faults are in the order of their first events, Programs in that of their starts. Late has the
	// parts of the lab that were late by 1 ms or more.
	Faults   []FaultHits
	Programs []ProgramEnd
	Late     []LatePart
}

// FactsOf returns the facts of a trace; none if it is nil.
func FactsOf(t *trace.Trace) Facts {
	if t == nil {
		return Facts{}
	}
	f := Facts{Faults: FaultsOf(t), Programs: programsOf(t), Late: lateOf(t)}
	if run := t.Run(); run != nil {
		f.Kernel = run.Kernel
	}
	if end, _ := t.End(); end != nil {
		f.Ended, f.Hanging = end.Reason, end.Hanging
	}
	return f
}

// FaultHits are the mechanism of a fault in a run, and how many packets it struck.
type FaultHits struct {
	Name      string `json:"name"`
	Mechanism string `json:"mechanism,omitempty"`
	Why       string `json:"why,omitempty"`
	Hits      uint64 `json:"hits"`
}

// FaultsOf lists the faults of a run in the order of their first events.
func FaultsOf(t *trace.Trace) []FaultHits {
	var all []FaultHits
	index := map[string]int{}
	for i := range t.Events {
		f := t.Events[i].Fault
		if f == nil {
			continue
		}
		at, ok := index[f.Name]
		if !ok {
			at = len(all)
			index[f.Name] = at
			all = append(all, FaultHits{Name: f.Name})
		}
		l := &all[at]
		if f.Mechanism != "" {
			l.Mechanism, l.Why = f.Mechanism, f.Why
		}
		l.Hits = max(l.Hits, f.Hits)
	}
	return all
}

// ProgramEnd is a program of a run, and how it ended.
type ProgramEnd struct {
	// Step is ACTOR.STEP. N counts its executions from 1.
	Step string `json:"step"`
	N    int    `json:"n"`
	// Command is the program and its arguments.
	Command []string `json:"command"`
	// Began is when it began, in seconds since the actors started. Seconds is how long it ran, or, if it
	// was still running at the end of the run, until then.
	Began   float64 `json:"began"`
	Seconds float64 `json:"seconds"`
	// Exit is its exit status, nil if it has none. Killed is the signal that ended it; "" for none.
	Exit   *int   `json:"exit,omitempty"`
	Killed string `json:"killed,omitempty"`
	// Running is set if it was still running at the end of the run.
	Running bool `json:"running,omitempty"`
}

// programsOf lists the programs of a run.
func programsOf(t *trace.Trace) []ProgramEnd {
	var all []ProgramEnd
	start := t.Started()
	for _, p := range t.Programs() {
		began := &t.Events[p.Started]
		end := ProgramEnd{
			Step: began.Program.Actor + "." + began.Program.Step, N: began.Program.N,
			Command: append([]string{}, began.Program.Command...), Began: (began.T - start).Seconds(), Running: p.Ended < 0,
		}
		last := t.Events[len(t.Events)-1].T
		if !end.Running {
			ended := &t.Events[p.Ended]
			last = ended.T
			if end.Killed = ended.Program.Killed; end.Killed == "" {
				exit := ended.Program.Exit
				end.Exit = &exit
			}
		}
		end.Seconds = (last - began.T).Seconds()
		all = append(all, end)
	}
	return all
}

// LatePart is how late a part of the lab was for a fault, host or actor.
type LatePart struct {
	// Part is a [trace.Part]. Name is the fault, host or actor.
	Part trace.Part `json:"part"`
	Name string     `json:"name,omitempty"`
	// Seconds is how late it was at most, At when: in seconds since the actors started. N is how
	// often it was late by 1 ms or more.
	Seconds float64 `json:"seconds"`
	At      float64 `json:"at"`
	N       int     `json:"n"`
}

// lateOf lists how late the lab of a run was.
func lateOf(t *trace.Trace) []LatePart {
	var all []LatePart
	start := t.Started()
	for _, p := range t.Lateness().Parts {
		all = append(all, LatePart{
			Part: p.Part, Name: p.Name, Seconds: p.Worst.Seconds(), At: (p.At - start).Seconds(), N: p.N,
		})
	}
	return all
}
