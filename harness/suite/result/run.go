package result

import (
	"fmt"

	"halfopen/scenarios/language"
)

// Run is one run of a scenario's case: what is run, with which seed, and where.
type Run struct {
	Scenario *language.Scenario
	// Index is the place of the run in the order of its suite, from 0. Repetitions have one each.
	Index int
	// N is the number of the repetition, from 1; 0 if the case is run only once.
	N int
	// Seed feeds everything random in the run. The same seed repeats the run's random choices.
	Seed  uint64
	Place Place
}

// ID is the name of the run for people: "syn-retry-backoff retries=3 #2".
func (r *Run) ID() string {
	if r.N == 0 {
		return r.Scenario.ID()
	}
	return fmt.Sprintf("%s #%d", r.Scenario.ID(), r.N)
}

// Running, in place of a version, names the kernel that this machine runs.
const Running = "running"

// Place is where a run takes place. The zero Place is this machine, in real time.
type Place struct {
	// Kernel is the version of the guest's kernel, as in uname -r; "" for this machine itself.
	Kernel string `json:"kernel,omitempty"`
	// Image is the path of the guest's kernel, a bzImage; "" finds a known kernel by its version.
	Image string `json:"image,omitempty"`
	// Warp is set if the guest's clock jumps over idle times.
	Warp bool `json:"warp"`
}

// Virtual reports whether the place is a virtual machine.
func (p *Place) Virtual() bool { return p.Kernel != "" }

// KernelName names the kernel: its version, or [Running].
func (p *Place) KernelName() string {
	if p.Virtual() {
		return p.Kernel
	}
	return Running
}

// String names the place for people: "warped on Linux 6.1.0-50-cloud-amd64"; "" for this machine,
// in real time.
func (p *Place) String() string {
	switch {
	case p.Warp:
		return "warped on Linux " + p.Kernel
	case p.Virtual():
		return "on Linux " + p.Kernel
	}
	return ""
}
