package suite

import (
	"context"
	"sync"
	"time"
)

const (
	// tooLate is the lateness of a run from which fewer runs go on at once: a time that a kernel timer
	// sets allows a lateness of 50 ms, and few others allow more than this.
	tooLate = 200 * time.Millisecond
	// inTime is the lateness up to which a run speaks for more runs at once.
	inTime = 50 * time.Millisecond
)

// Pace is how many runs went on at once on this machine.
type Pace struct {
	// Most is the number that the options allow, Fewest the lowest at which a run had to wait because
	// the machine was late: by Late, at most.
	Most, Fewest int
	Late         time.Duration
}

// pace decides how many runs go on at once. A run on a machine that is late costs fewer, one in time
// allows more again, up to what the options say. It is safe for concurrent use. Make it with newPace.
type pace struct {
	mu      sync.Mutex
	changed sync.Cond
	Pace        // mu
	allowed int // mu
	running int // mu
	// changes counts the reductions. A run that began before one says nothing against the new number.
	changes int // mu
	// credit counts runs in time since allowed last changed.
	credit int // mu
}

func newPace(most int) *pace {
	p := &pace{Pace: Pace{Most: most, Fewest: most}, allowed: most}
	p.changed.L = &p.mu
	return p
}

// begin waits until one more run may go on. It returns a number for [pace.saw]; ok is false if the
// context was canceled.
func (p *pace) begin(ctx context.Context) (since int, ok bool) {
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.running >= p.allowed && ctx.Err() == nil {
		if p.running < p.Most {
			p.Fewest = min(p.Fewest, p.allowed)
		}
		p.changed.Wait()
	}
	if ctx.Err() != nil {
		return 0, false
	}
	p.running++
	return p.changes, true
}

// end says that a run has ended.
func (p *pace) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.changed.Signal()
}

// saw takes how late the lab of a run was that began with this number.
func (p *pace) saw(late time.Duration, since int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case late >= tooLate && since == p.changes:
		p.allowed = max(1, p.allowed*3/4)
		p.changes++
		p.credit = 0
		p.Late = max(p.Late, late)
	case late >= inTime:
		p.credit = 0
	default:
		if p.credit++; p.credit >= p.allowed && p.allowed < p.Most {
			p.allowed++
			p.credit = 0
			p.changed.Signal()
		}
	}
}

// report returns how many runs went on at once so far.
func (p *pace) report() Pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Pace
}
