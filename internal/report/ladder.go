package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// LadderOptions say how a ladder is drawn. The zero value draws everything except ARP, 100 columns
// wide, in UTF-8, without colors.
type LadderOptions struct {
	// Width is the number of columns; 0 means 100, and the minimum is 60.
	Width int
	// Color draws with ANSI colors, ASCII with ASCII only.
	Color, ASCII bool
	// MaxRows is the approximate maximum of rows. Beyond it, repetitions and then the middle are
	// replaced by a remark. 0 means no limit.
	MaxRows int
	// Only draws the packets that have a capture with one of these indexes in trace.Events, without
	// steps and states, in the order and at the times of these captures. nil draws everything.
	Only []int
	// Mark marks the packets that have a capture with one of these indexes. They are never left
	// out for MaxRows.
	Mark []int
	// ARP also draws ARP, neighbour discovery and multicast reports.
	ARP bool
	// Lines is how many lines of programs are drawn next to their host at most, the first and the
	// last ones.
	Lines int
	// Calls is how many calls of programs are drawn at most, those that say most.
	Calls int
	// moreCalls says where the calls are that are not drawn; the default is halfopen inspect.
	moreCalls string
	// Indent is put before every line.
	Indent string
	// states returns the timelines of the sockets, if they are made already.
	states func() []StateLine
}

// Ladder draws the packets of a trace as arrows between the hosts, from top to bottom in order of
// time, with the steps and socket states of each host next to its line. Times are seconds since the
// actors started; the second column is the gap since the previous packet in the same direction. A
// cross marks a lost packet, with the fault that struck it if that is certain.
func Ladder(s *language.Scenario, t *trace.Trace, o LadderOptions) string {
	if o.Width == 0 {
		o.Width = 100
	}
	o.Width = max(60, o.Width-widthOf(o.Indent))
	all, leftOut := journeys(s, t, mostJourneys)
	rows := elide(ladderRows(s, t, all, leftOut, &o), o.MaxRows)
	if len(rows) == 0 {
		return o.Indent + "no packets\n"
	}
	d := &drawing{o: &o, start: t.Started(), at: columns(s, t, rows, o.Width), decimals: 3}
	if rows[len(rows)-1].at-max(rows[0].at, d.start) < 100*time.Millisecond {
		d.decimals = 6
	}
	var b strings.Builder
	d.emit(&b, d.header())
	for i := range rows {
		d.emit(&b, d.row(&rows[i]))
	}
	return b.String()
}

// The columns of the lines of the first and the last host: after the two columns of times, and with
// room for half a name.
const (
	firstColumn = 22
	rightMargin = 4
)

// column is a host's line.
type column struct {
	host string
	x    int
}

// columns places the hosts: on the left those that open connections, on the right those that
// listen, and between them the wire, if it was itself the sender or the receiver of a packet.
func columns(s *language.Scenario, t *trace.Trace, rows []row, width int) []column {
	var left, middle, right []string
	add := func(name string) {
		if name == "" || name == language.Wire ||
			slices.Contains(slices.Concat(left, middle, right), name) {
			return
		}
		switch role(s, rows, name) {
		case "opens":
			left = append(left, name)
		case "listens":
			right = append(right, name)
		default:
			middle = append(middle, name)
		}
	}
	if s != nil {
		for i := range s.Hosts {
			add(s.Hosts[i].Name)
		}
	}
	for _, h := range t.Hosts() {
		add(h.Name)
	}
	wire := false
	for i := range rows {
		if j := rows[i].journey; j != nil {
			add(j.From)
			add(j.To)
			wire = wire || j.From == language.Wire || j.To == language.Wire
		}
		wire = wire || rows[i].host == language.Wire
	}
	names := slices.Concat(left, middle)
	if wire {
		names = append(names, language.Wire)
	}
	names = append(names, right...)
	if len(names) == 1 && slices.ContainsFunc(rows,
		func(r row) bool { return r.journey != nil && r.journey.From == r.journey.To }) {
		// A host that sends to itself has a line for each end.
		names = append(names, names[0])
	}
	cols := make([]column, len(names))
	for i, name := range names {
		cols[i] = column{name, firstColumn}
		if len(names) > 1 {
			cols[i].x += i * (width - 1 - rightMargin - firstColumn) / (len(names) - 1)
		}
	}
	return cols
}

// role says whether a host opens connections or listens: "opens", "listens" or "". It goes by the
// steps of its actors, and if they do not say, by its first packet.
func role(s *language.Scenario, rows []row, host string) string {
	if s == nil {
		return ""
	}
	for i := range s.Actors {
		if a := &s.Actors[i]; hostOf(s, a.Name) == host {
			for k := range a.Steps {
				switch op := &a.Steps[k].Op; {
				case op.Connect != nil || op.Sendto != nil:
					return "opens"
				case op.Listen != nil || op.Recvfrom != nil:
					return "listens"
				}
			}
		}
	}
	for i := range rows {
		switch j := rows[i].journey; {
		case j == nil || j.From == j.To || j.Packet.Proto == "arp" || j.Packet.Proto == "ndp":
		case j.From == host:
			return "opens"
		case j.To == host:
			return "listens"
		}
	}
	return ""
}

// drawing is the state of drawing a ladder.
type drawing struct {
	o     *LadderOptions
	start time.Duration
	at    []column
	// decimals is how many decimals of a second times have: 3, or 6 if everything happens within
	// 100 ms.
	decimals int
}

func (d *drawing) emit(b *strings.Builder, l *line) {
	text := l.render(d.o.Color)
	if d.o.ASCII {
		text = asciiOf.Replace(text)
	}
	b.WriteString(d.o.Indent + text + "\n")
}

// x returns the column of a host's line, -1 for a host without one.
func (d *drawing) x(host string) int {
	for _, c := range d.at {
		if c.host == host {
			return c.x
		}
	}
	return -1
}

func (d *drawing) header() *line {
	l := newLine(d.o.Width)
	l.put(0, fmt.Sprintf("%9s %9s", "seconds", "gap"), dim)
	for i, c := range d.at {
		n := widthOf(c.host)
		x := max(c.x-n/2, firstColumn-2)
		if i == len(d.at)-1 {
			x = min(x, d.o.Width-n)
		}
		l.put(x, c.host, bold)
	}
	return l
}

func (d *drawing) row(r *row) *line {
	l := newLine(d.o.Width)
	if r.elided {
		d.lines(l, '⋮')
		l.put(firstColumn+2, " "+cut(r.text, d.o.Width-firstColumn-4-rightMargin, d.ellipsis())+" ", dim)
		return l
	}
	d.lines(l, '│')
	if r.marked {
		l.put(firstColumn-2, "!", bad)
	}
	l.put(0, fmt.Sprintf("%9.*f", d.decimals, (r.at-d.start).Seconds()), plainText)
	switch {
	case r.journey != nil:
		if r.hasGap {
			l.put(10, fmt.Sprintf("%+9.*f", d.decimals, r.gap.Seconds()), dim)
		}
		d.arrow(l, r)
	case r.host != "" && d.x(r.host) >= 0:
		d.beside(l, r)
	default:
		l.put(firstColumn+2, r.fit(d.o.Width-firstColumn-4, d.ellipsis()), r.style)
	}
	return l
}

func (d *drawing) lines(l *line, r rune) {
	for _, c := range d.at {
		l.put(c.x, string(r), dim)
	}
}

// beside writes what happened on a host to the right of its line, for the last host to the left.
func (d *drawing) beside(l *line, r *row) {
	x := d.x(r.host)
	last := d.at[len(d.at)-1].x
	if x == last && len(d.at) > 1 {
		text := r.fit(last-firstColumn-3, d.ellipsis())
		l.put(last-1-widthOf(text), text, r.style)
		return
	}
	l.put(x+2, r.fit(d.o.Width-x-3, d.ellipsis()), r.style)
}

// ellipsis is the mark of a text that was cut.
func (d *drawing) ellipsis() string {
	if d.o.ASCII {
		return "..."
	}
	return "…"
}
