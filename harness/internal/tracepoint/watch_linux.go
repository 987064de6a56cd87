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

// Watch is a network namespace whose events are reported, from [View.Watch] to [Watch.Stop].
type Watch struct {
	view *View
	ns   uint32
	slot uint32
	emit func(Event)
	once sync.Once
	// missed is what the programs had missed when the watch began.
	missed Lost
	// taken is how many bytes of its events were read; for the goroutine that reads.
	taken uint64

	// mu is held while emit runs.
	mu      sync.Mutex
	stopped bool // mu
}

// Watch reports the events of the network namespace with that inode, until [Watch.Stop]. emit is
// called by one goroutine for all namespaces: it must not block, nor stop a Watch. While it runs
// events gather, and beyond 4 MiB of them (some 17 000 drops, or 40 000 transitions) they are lost
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

// Stop ends the reports: emit has been called with all that happened before, and is not called
// again. It returns how many events were lost. An event that the kernel kept from a program counts
// for each namespace that was watched then: nobody knows whose it was. A second call returns none. The error says that
// others may have been lost, too: that of any namespace was not understood.
func (w *Watch) Stop() (lost Lost, err error) {
	w.once.Do(func() {
		lost, err = w.view.unwatch(w)
		w.mu.Lock()
		w.stopped = true
		w.mu.Unlock()
	})
	return lost, err
}

// unwatch ends the events of a namespace and waits until those that are in the ring have been read.
func (v *View) unwatch(w *Watch) (Lost, error) {
	var last bpfWatched
	err := v.namespaces.LookupAndDelete(w.ns, &last)
	if err != nil {
		err = fmt.Errorf("reading what was lost in network namespace %d: %w", w.ns, err)
	}
	v.flush()
	lost := Lost(last.Lost)
	missed, problem := v.missed()
	for kind := range lost {
		lost[kind] += missed[kind] - w.missed[kind]
	}
	err = errors.Join(err, problem)
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.watches, w.ns)
	v.free = append(v.free, w.slot)
	return lost, errors.Join(err, v.err)
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
	w.mu.Lock()
	if !w.stopped {
		w.emit(event)
	}
	w.mu.Unlock()
	w.taken += uint64(len(record))
	v.account(w)
	return nil
}
