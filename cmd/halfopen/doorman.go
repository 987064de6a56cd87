package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"halfopen/harness"
	"halfopen/harness/suite"
	"halfopen/internal/hand"
	"halfopen/internal/say"
)

// openAfter is how old a run is when it can be reached by hand. Most runs are over before, and leave no
// trace of that on the machine.
const openAfter = time.Second

// doorman makes the labs of a suite known to other processes of the user. Without a door they
// cannot be reached, and run all the same. Make it with newDoorman, and close it.
type doorman struct {
	mu    sync.Mutex
	door  *hand.Door            // mu
	err   error                 // mu; why the door could not be made
	known map[*suite.Run]func() // mu; forgets the lab of a run
	say   func(line string)     // set before the runs begin
}

func newDoorman() *doorman { return &doorman{known: map[*suite.Run]func(){}} }

// add makes a lab known, and returns the name of the door.
func (d *doorman) add(l hand.Lab, pass func([]byte, []*os.File) error) (door string, forget func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.door == nil && d.err == nil {
		d.door, d.err = hand.Open()
	}
	if d.err != nil {
		return "", nil, d.err
	}
	l.Since = time.Now()
	return d.door.Name, d.door.Add(l, pass), nil
}

// begin makes the lab of a run known once it is openAfter old.
func (d *doorman) begin(r *suite.Run, l hand.Lab, pass func([]byte, []*os.File) error) {
	var mu sync.Mutex
	over, forget := false, func() {}
	timer := time.AfterFunc(openAfter, func() {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		if _, f, err := d.add(l, pass); err == nil {
			forget = f
		}
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[r] = func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		over = true
		forget()
	}
}

// end forgets the lab of a run.
func (d *doorman) end(r *suite.Run) {
	d.mu.Lock()
	forget := d.known[r]
	delete(d.known, r)
	d.mu.Unlock()
	if forget != nil {
		forget()
	}
}

// opened is [suite.Options.Opened].
func (d *doorman) opened(r *suite.Run, l *harness.Lab) (gone func()) {
	known, pass := hand.Lab{Run: r.ID(), State: hand.Running}, refuseGuest
	if l != nil {
		known.Hosts, pass = l.Hosts, l.Pass
	}
	d.begin(r, known, pass)
	return func() { d.end(r) }
}

// keep is [suite.Options.Keep]: it holds the lab of a run that has failed until Enter.
func (d *doorman) keep(ctx context.Context, r *suite.Result, l *harness.Lab) {
	d.end(&r.Run)
	door, forget, err := d.add(hand.Lab{Run: r.ID(), State: hand.Held, Hosts: l.Hosts}, l.Pass)
	if err != nil {
		d.say("halfopen: the lab cannot be held: " + say.ErrorLines(err))
		return
	}
	defer forget()
	d.say(fmt.Sprintf("halfopen: the lab of %s is held until Enter\n"+
		"halfopen: from other terminals: halfopen enter --lab %s HOST (%s)",
		say.Printable(r.ID()), door, say.List(l.Hosts)))
	if err := hand.AwaitEnter(ctx); err != nil && ctx.Err() == nil {
		d.say("halfopen: the lab is not held any longer: " + say.ErrorLines(err))
	}
}

// close ends the door.
func (d *doorman) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.door != nil {
		_ = d.door.Close() // its socket is of no use any more, wherever it is
	}
}

// refuseGuest answers requests to a run in a virtual machine.
func refuseGuest([]byte, []*os.File) error {
	return errors.New("this run happens in a virtual machine, which cannot be reached from outside")
}
