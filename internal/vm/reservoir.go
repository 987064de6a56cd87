package vm

import (
	"bytes"
	"io"
	"sync"
)

// reservoir reads a guest's messages as fast as they come, however slowly they are processed. While
// a guest waits for a reader, its processor spins and its clock continues: in warped time all of
// its timers would be late.
type reservoir struct {
	mu   sync.Mutex
	some sync.Cond
	held bytes.Buffer
	// end is the error that ended fill.
	end error
}

func newReservoir() *reservoir {
	r := &reservoir{}
	r.some.L = &r.mu
	return r
}

// fill reads to the end.
func (r *reservoir) fill(from io.Reader) {
	chunk := make([]byte, 256<<10)
	for {
		n, err := from.Read(chunk)
		r.mu.Lock()
		r.held.Write(chunk[:n])
		r.end = err
		r.some.Signal()
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Read returns the data that has come; if there is none, it waits. After the last data it returns
// the error that ended fill.
func (r *reservoir) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.held.Len() == 0 {
		if r.end != nil {
			return 0, r.end
		}
		r.some.Wait()
	}
	return r.held.Read(p)
}
