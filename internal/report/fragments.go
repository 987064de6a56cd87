package report

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"halfopen/harness/suite/result"
	"halfopen/harness/trace"
)

// atEnd is what the formats have in common that are written in the order of the suite, and so at its
// end. It takes no notice of runs before they end, and says elsewhere what is not a result.
type atEnd struct {
	o     Output
	logs  logs
	alike alike
	fragments
}

func newAtEnd(o Output) *atEnd { return &atEnd{o: o, logs: newLogs(o, Look{})} }

func (*atEnd) Begin(*result.Run) {}

func (v *atEnd) Event(r *result.Run, e *trace.Event) { v.logs.event(r, e, v.Say) }

// Say writes a line to the errors.
func (v *atEnd) Say(line string) { fmt.Fprintln(v.o.Errs, line) }

// say writes what the end of a suite says apart from its results.
func (v *atEnd) say(results []result.Result, e *Ending) {
	fmt.Fprint(v.o.Errs, remedy(results), e.early(results), lineOf(e.LeftOut))
}

// neverBegan counts the runs that should have been done and never began. all are those that did.
func (e *Ending) neverBegan(results []result.Result, all []fragment) int {
	if e.Stop == result.UntilFail {
		return 0 // there was no number of runs to do
	}
	_, stopped := finished(results, e)
	for i := range all {
		if all[i].status == result.Canceled {
			stopped--
		}
	}
	return stopped
}

// details is [Details] of a run. A repetition that failed as an earlier one has a line in its place.
func (v *atEnd) details(r *result.Result) string {
	v.alike.mu.Lock()
	defer v.alike.mu.Unlock()
	return v.alike.details(r, Look{Verbose: v.o.Verbose})
}

// memory is how many bytes of fragments are kept in memory. The others are in a file without a name.
const memory = 8 << 20

// fragments keeps a piece of text of each run that has ended. It is safe for concurrent use, except
// for each and drop. The zero value is empty.
type fragments struct {
	mu   sync.Mutex
	all  []fragment
	kept int
	// spool is a file for what is too much for the memory; nil if there is none. size is its length.
	spool *os.File
	size  int64
	// tried is set when it was tried to make the spool.
	tried bool
}

// fragment is what is kept of a run.
type fragment struct {
	// index is the place of the run in the order of the suite.
	index  int
	status result.Status
	took   time.Duration
	// group names the runs that belong together, if the format wants that.
	group string
	// text is the text of a fragment in memory. Any other is in the spool, at a place and with a size.
	text string
	at   int64
	size int
}

// add keeps the text of a run.
func (f *fragments) add(r *result.Result, group, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	piece := fragment{index: r.Index, status: r.Status, took: r.Took, group: group, size: len(text)}
	if f.kept+len(text) <= memory || !f.spooled(&piece, text) {
		piece.text = text
		f.kept += len(text)
	}
	f.all = append(f.all, piece)
}

// spooled writes a text to the spool. It returns false if that has no room, or cannot be made: then
// the memory has to do.
func (f *fragments) spooled(piece *fragment, text string) bool {
	if !f.tried {
		f.tried = true
		if file, err := os.CreateTemp("", "halfopen-report-*"); err == nil {
			_ = os.Remove(file.Name()) // a system that keeps open files removes it in drop
			f.spool = file
		}
	}
	if f.spool == nil {
		return false
	}
	if _, err := f.spool.WriteAt([]byte(text), f.size); err != nil {
		return false
	}
	piece.at = f.size
	f.size += int64(len(text))
	return true
}

// inOrder returns the fragments in the order of the suite, and before that by rank, if it is not nil.
func (f *fragments) inOrder(rank func(*fragment) int) []fragment {
	slices.SortStableFunc(f.all, func(a, b fragment) int {
		if rank != nil {
			if c := cmp.Compare(rank(&a), rank(&b)); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.index, b.index)
	})
	return f.all
}

// read returns the text of a fragment.
func (f *fragments) read(piece *fragment) (string, error) {
	if piece.text != "" || piece.size == 0 {
		return piece.text, nil
	}
	text := make([]byte, piece.size)
	if _, err := f.spool.ReadAt(text, piece.at); err != nil {
		return "", fmt.Errorf("reading back what is kept of a run: %w", err)
	}
	return string(text), nil
}

// drop removes the spool.
func (f *fragments) drop() {
	if f.spool != nil {
		_ = f.spool.Close()
		_ = os.Remove(f.spool.Name())
	}
}

// writer keeps the first error of its writes, and writes nothing after it.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) write(text string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.w, text)
	}
}

func (w *writer) printf(format string, args ...any) { w.write(fmt.Sprintf(format, args...)) }
