//go:build amd64 || arm64

package tracepoint

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
)

// Watch is a network namespace whose events are reported, from [View.Watch] to [View.Stop].
type Watch struct {
	view *View
	ns   uint32
	slot uint32
	emit func(Event)
	// missed is what the programs had missed when the watch began.
	missed Lost

	// mu is held while emit runs.
	mu      sync.Mutex
	taken   uint64 // the bytes of its events that were read; mu
	stopped bool   // set by Stop, with its slot still its own; mu
}

// Watch reports the events of the network namespace with that inode, until [View.Stop]. emit is
// called by one goroutine for all namespaces: it must not block, nor stop a Watch. While it runs
// events gather, and beyond 2 MiB of them (some 8 700 drops, or 20 000 transitions) they are lost
// and counted.
func (v *View) Watch(ns uint64, emit func(Event)) (*Watch, error) {
	if ns == 0 || ns > math.MaxUint32 {
		return nil, fmt.Errorf("watching network namespace %d: it is not an inode of one", ns)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	w := &Watch{view: v, ns: uint32(ns), emit: emit}
	switch {
	case v.closed:
		return nil, fmt.Errorf("watching network namespace %d: %w", ns, os.ErrClosed)
	case v.watches[w.ns] != nil:
		return nil, fmt.Errorf("watching network namespace %d: it is being watched", ns)
	case len(v.free) == 0:
		return nil, fmt.Errorf(
			"watching network namespace %d: %d others are being watched, the most there can be",
			ns, len(v.watches))
	}
	var err error
	if w.missed, err = v.missed(); err != nil {
		return nil, fmt.Errorf("watching network namespace %d: %w", ns, err)
	}
	w.slot = v.free[len(v.free)-1]
	v.account(w)
	if err := v.namespaces.Put(w.ns, &bpfWatched{Slot: uint64(w.slot)}); err != nil {
		return nil, fmt.Errorf("watching network namespace %d: %w", ns, err)
	}
	v.free = v.free[:len(v.free)-1]
	v.watches[w.ns] = w
	return w, nil
}

// Stop ends the reports of some watches, in little more time than that of one. Each emit has been
// called with all that happened before, and with the calls in progress, and is not called again. Stop
// returns for each watch how many events were lost, none if it was stopped before. An event that the kernel kept from a program
// counts for each namespace that was watched then: nobody knows whose it was. The error says that
// others may have been lost, too: that of any namespace was not understood.
func (v *View) Stop(watches ...*Watch) (lost []Lost, err error) {
	v.stopping.Lock()
	defer v.stopping.Unlock()
	lost = make([]Lost, len(watches))
	err = v.inProgress(watches)
	for i, w := range watches {
		if w.stopped {
			continue
		}
		var last bpfWatched
		if problem := v.namespaces.LookupAndDelete(w.ns, &last); problem != nil {
			err = errors.Join(err, fmt.Errorf(
				"reading what was lost in network namespace %d: %w", w.ns, problem))
		}
		lost[i] = Lost(last.Lost)
	}
	v.flush()
	missed, problem := v.missed()
	err = errors.Join(err, problem, v.leftOut(watches))
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, w := range watches {
		if w.stopped {
			continue
		}
		for kind := range lost[i] {
			if problem == nil {
				lost[i][kind] += missed[kind] - w.missed[kind]
			}
		}
		w.stop()
		delete(v.watches, w.ns)
		v.free = append(v.free, w.slot)
	}
	return lost, errors.Join(err, v.err)
}

// Stop stops one watch, see [View.Stop].
func (w *Watch) Stop() (Lost, error) {
	lost, err := w.view.Stop(w)
	return lost[0], err
}

func (w *Watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

// take reports an event to the watch and lets the programs know how much of its share of the ring
// has been read. An event that is read after the end of the watch, because a program was still at
// it, is left out: the slot may be that of another watch.
func (w *Watch) take(e Event, size int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.emit(e)
	w.taken += uint64(size)
	w.view.account(w)
}

// account lets the programs know how much of a namespace's share of the ring has been read.
func (v *View) account(w *Watch) { atomic.StoreUint64(&v.taken[w.slot], w.taken) }

// deliver reports the event of a record to the watch that it belongs to. One that came after the
// end of its watch, or was not understood, belongs to none.
func (v *View) deliver(record []byte) error {
	h, err := v.decoder.head(record)
	if err != nil {
		return err
	}
	v.mu.RLock()
	w := v.watches[h.Netns]
	v.mu.RUnlock()
	if w == nil {
		return nil
	}
	event, err := v.decoder.event(record)
	if err != nil {
		return err
	}
	w.take(event, len(record))
	return nil
}
