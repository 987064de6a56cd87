package actor

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"sync"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// The lines of the programs of a step that are in the trace, those of all its executions: so many, of
// so many bytes, and of each so many. Of a program that writes more, the last ones
// of each output are added.
const (
	mostLines     = 10_000
	mostLineBytes = 1 << 20
	mostOfLine    = 4 << 10
	lastLines     = 10
)

// allowance is how many lines and bytes the programs of a step may still add to the trace.
type allowance struct {
	mu    sync.Mutex
	lines int   // mu
	bytes int64 // mu
}

func newAllowance() *allowance { return &allowance{lines: mostLines, bytes: mostLineBytes} }

// take uses a line up, and reports whether it is allowed.
func (a *allowance) take(bytes int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lines == 0 || a.bytes < int64(bytes) {
		a.lines = 0 // the trace has the first lines: none follows that is left out
		return false
	}
	a.lines--
	a.bytes -= int64(bytes)
	return true
}

// printed makes events of the lines that one program writes.
type printed struct {
	clock   trace.Clock
	program trace.Line // the actor, the step and its execution
	allowed *allowance
	watches []*lineWatch
	report  func([]trace.Event)

	mu      sync.Mutex
	streams []*printer
	pending []trace.Event // mu
	// cut is how many lines are left out, since cutAt; the last ones of each output are with it. mu
	cut   trace.Program
	cutAt time.Duration
	// wanted matches the line that matched is closed for, at matchedAt; nil for none.
	wanted    *regexp.Regexp // mu
	matched   chan struct{}
	matchedAt time.Duration
	// over is set when nothing more is wanted. mu
	over bool
}

// watch makes the lines of a program that is not running yet say when it is ready.
func (p *printed) watch(ready *language.Ready) {
	p.matched = make(chan struct{})
	if ready.Prints != "" {
		p.wanted = regexp.MustCompile(ready.Prints) // it has been checked
	}
}

// note adds a note about the program to the trace.
func (p *printed) note(text string) {
	p.report([]trace.Event{{T: p.clock.Now(), Note: &trace.Note{Text: text}}})
}

// printer is one output of the program.
type printer struct {
	*printed
	name trace.Stream
	// line is the beginning of the line that has no newline yet, of bytes so far; at is when its
	// latest bytes came. mu
	line  []byte
	bytes int64
	at    time.Duration
	// last are the last of its lines that are left out. mu
	last []trace.Event
}

func (p *printed) printer(name trace.Stream) *printer {
	s := &printer{printed: p, name: name}
	p.streams = append(p.streams, s)
	return s
}

// add takes bytes that the program has written, and reports the lines that they end.
func (s *printer) add(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.at = s.clock.Now()
	for len(b) > 0 {
		b = s.skip(b)
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			s.grow(b)
			break
		}
		s.grow(b[:end])
		s.end(false)
		b = b[end+1:]
	}
	s.send()
}

// skip counts lines that nobody will see, which may be very many: those left out before the last.
func (s *printer) skip(b []byte) []byte {
	if s.cut.Lines == 0 || s.wanted != nil ||
		slices.ContainsFunc(s.watches, func(w *lineWatch) bool { return !w.over() }) {
		return b
	}
	n := bytes.Count(b, []byte{'\n'}) - lastLines
	if n <= 0 {
		return b
	}
	s.cut.Lines += int64(n)
	s.cut.Bytes += s.bytes
	s.line, s.bytes = s.line[:0], 0
	for range n {
		end := bytes.IndexByte(b, '\n')
		s.cut.Bytes += int64(end)
		b = b[end+1:]
	}
	return b
}

func (s *printer) grow(b []byte) {
	s.bytes += int64(len(b))
	s.line = append(s.line, b[:min(len(b), mostOfLine-len(s.line))]...)
}

// end makes an event of the line that has come to its end, and of what happens with it.
func (s *printer) end(open bool) {
	l := s.program
	l.Stream, l.Text, l.Open = s.name, trace.Output(s.line), open
	if s.bytes > int64(len(s.line)) {
		l.Bytes = s.bytes
	}
	if s.wanted != nil && !open && s.wanted.Match(s.line) {
		s.wanted, s.matchedAt = nil, s.at
		close(s.matched)
	}
	s.line, s.bytes = s.line[:0], 0
	s.keep(trace.Event{T: s.at, Line: &l})
	for _, w := range s.watches {
		if w.take(&l) {
			s.pending = append(s.pending, trace.Event{T: s.at, Watched: &trace.Watched{
				Event: string(w.event), Happened: true, Seen: w.nth,
			}})
		}
	}
}

// keep has a line reported, or counts it as left out if there are too many.
func (s *printer) keep(e trace.Event) {
	l := e.Line
	if s.cut.Lines == 0 && s.allowed.take(len(l.Text)) {
		s.pending = append(s.pending, e)
		return
	}
	if s.cut.Lines == 0 {
		s.cutAt = s.at
	}
	s.cut.Lines++
	s.cut.Bytes += max(l.Bytes, int64(len(l.Text)))
	if len(s.last) == lastLines {
		s.last = append(s.last[:0], s.last[1:]...)
	}
	s.last = append(s.last, e)
}

// finish reports what has no newline yet, what is left out, and the last lines. What comes later is
// not wanted.
func (p *printed) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.over = true
	for _, s := range p.streams {
		if s.bytes > 0 {
			s.end(true)
		}
	}
	if p.cut.Lines > 0 {
		cut := p.cut
		var last []trace.Event
		for _, s := range p.streams {
			last = append(last, s.last...)
		}
		slices.SortStableFunc(last, func(a, b trace.Event) int { return cmp.Compare(a.T, b.T) })
		for i := range last {
			l := last[i].Line
			cut.Lines--
			cut.Bytes -= max(l.Bytes, int64(len(l.Text)))
		}
		if cut.Lines > 0 {
			cut.Actor, cut.Step, cut.N = p.program.Actor, p.program.Step, p.program.N
			cut.What = trace.ProgramCut
			p.pending = append(p.pending, trace.Event{T: p.cutAt, Program: &cut})
		}
		p.pending = append(p.pending, last...)
	}
	p.send()
}

// send reports the pending events. The caller holds mu, so that they stay in order.
func (p *printed) send() {
	if len(p.pending) > 0 {
		p.report(p.pending)
		p.pending = nil
	}
}
