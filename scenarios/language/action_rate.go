package language

import "halfopen/internal/code"

// The defaults of a [Rate], in bytes: a burst holds two packets of the usual MTU, or what the rate
// lets pass in 10 µs. With less, a fast link waits for the kernel's timers instead of the rate.
const (
	defaultQueue = 64 << 10
	defaultBurst = 3 << 10
	burstsIn     = 100_000 // of a second
)

// Rate limits the bandwidth.
type Rate struct {
	To    BitRate `yaml:",short" json:"to" jsonschema_description:"Bandwidth, such as 1mbit or 500kbit."`
	Queue Size    `json:"queue,omitempty" jsonschema_description:"Length of the queue in bytes; packets that do not fit are lost. Default: 64kB."`
	Burst Size    `json:"burst,omitempty" jsonschema_description:"Bytes that may pass at once. Default: 3kB, or 10 µs of the rate if that is more."`
}

func (a *Rate) check(v *validation, f *Fault) {
	if v.has(&a.Queue) && a.Queue == 0 {
		v.errorf(code.NoEffect, &a.Queue, f.Pos,
			"rate: invalid queue 0: nothing would pass; want 1 or more")
	}
}

// QueueLength returns how many bytes may wait.
func (a *Rate) QueueLength() Size {
	if a.Queue == 0 {
		return defaultQueue
	}
	return a.Queue
}

// BurstLength returns how many bytes may pass at once.
func (a *Rate) BurstLength() Size {
	if a.Burst == 0 {
		return max(defaultBurst, Size(a.To/8/burstsIn))
	}
	return a.Burst
}

func (*Rate) effects() Effects { return Effects{Holds: Indefinite} }
