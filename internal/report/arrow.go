package report

import (
	"fmt"
	"time"

	"halfopen/internal/say"
)

// arrow draws a packet from its sender's line to its receiver's, or to the point where it was lost.
func (d *drawing) arrow(l *line, r *row) {
	j := r.journey
	from, to := d.x(j.From), d.x(j.To)
	if from < 0 {
		from = firstColumn
	}
	if to < 0 || to == from {
		to = d.away(from)
		if j.From == j.To && !j.Flow.Opener {
			from, to = to, from
		}
	}
	lo, hi := min(from, to)+1, max(from, to)-1
	rightwards := to > from
	room := hi - lo + 1

	tail := ""
	for _, tail = range d.afterwards(r) {
		// The kind of the packet, and a little of it if possible, has room next to the reason.
		if widthOf(r.words[0])+widthOf(tail)+14 <= room {
			break
		}
	}
	ellipsis := d.ellipsis()
	if d.o.ASCII {
		tail = asciiOf.Replace(tail) // now, because the replacements may be longer
	}
	words := label(r.words, max(room-8-widthOf(tail), widthOf(r.words[0])), ellipsis)
	if !j.Lost() && tail != "" {
		words += " (" + tail + ")"
	}
	words = " " + cut(words, room-5, ellipsis) + " "
	n := widthOf(words)

	// Cells of the arrow are counted from the sender: cell 0 is next to it.
	cell := func(i int) int {
		if rightwards {
			return lo + i
		}
		return hi - i
	}
	end, st := room, packetText
	if j.Lost() {
		end = room * d.lossPoint(j) / 100
		if tail != "" {
			end = min(end, room-widthOf(tail)-3)
		}
		end = min(max(end, n+5), room)
		st = j.lossStyle()
	}
	for i := range end {
		if l.cells[cell(i)] == " " {
			l.put(cell(i), "─", st)
		} else {
			l.put(cell(i), "┼", st)
		}
	}
	at := cell(2)
	if !rightwards {
		at = cell(2) - n + 1
	}
	l.put(at, words, st)
	switch {
	case !j.Lost() && rightwards:
		l.put(hi, "►", st)
	case !j.Lost():
		l.put(lo, "◄", st)
	default:
		l.put(cell(end-1), j.lossSign(rightwards), st)
		d.behind(l, tail, st, cell(end-1), rightwards, room-end)
	}
}

// afterwards says what became of a packet, in texts from the longest to the shortest.
func (d *drawing) afterwards(r *row) []string {
	j := r.journey
	switch {
	case !j.Lost():
		return []string{d.onTheWay(r)}
	case j.Held != "":
		return []string{"held by " + j.Held + " at the end"}
	case j.Dropped == "":
		return []string{j.Struck}
	}
	why := kernelSays(j.Dropped)
	if way := d.onTheWay(r); way != "" {
		return []string{why + " (" + way + ")", why, j.Dropped}
	}
	return []string{why, j.Dropped}
}

// onTheWay says what happened to a packet on its way: its marks, and when it arrived if that took
// its time.
func (d *drawing) onTheWay(r *row) string {
	j := r.journey
	late := j.Last - j.Sent
	if late <= time.Millisecond {
		return j.marks()
	}
	// The row is at the one time, this is the other.
	when := fmt.Sprintf("arrives %.*f", d.decimals, (j.Last - d.start).Seconds())
	switch {
	case !j.Arrived:
		return j.marks()
	case r.at-j.Sent > late/2:
		when = fmt.Sprintf("sent %.*f", d.decimals, (j.Sent - d.start).Seconds())
	}
	if marks := j.marks(); marks != "" {
		return marks + ", " + when
	}
	return when + ", " + say.Duration(late) + " late"
}

// behind writes after the end of an arrow, at x, why it ends there, as much of it as there is room
// for.
func (d *drawing) behind(l *line, why string, st style, x int, rightwards bool, room int) {
	why = cut(why, room-1, d.ellipsis())
	n := widthOf(why)
	if rightwards {
		l.put(x+2, why, st)
	} else {
		l.put(x-1-n, why, st)
	}
}

// lossSign is the end of the arrow of a packet that did not reach its receiver.
func (j *Journey) lossSign(rightwards bool) string {
	switch {
	case j.Held == "":
		return "✗"
	case rightwards:
		return "┤"
	}
	return "├"
}

func (j *Journey) lossStyle() style {
	if j.Held != "" {
		return warn
	}
	return bad
}

// lossPoint returns how far a lost packet is drawn, in percent of its way: less than half if it was
// lost before the wire, more if after.
func (d *drawing) lossPoint(j *Journey) int {
	switch {
	case len(j.hops) == 0: // it never left its host
		return 20
	case j.Arrived:
		return 95
	case j.Struck != "":
		return 60
	case j.Seen == j.From:
		return 45
	}
	return 65
}

// away returns the column at which an arrow to no host points: the far side.
func (d *drawing) away(from int) int {
	last := d.at[len(d.at)-1].x
	if from < last {
		return last
	}
	if len(d.at) > 1 {
		return d.at[0].x
	}
	return d.o.Width - 1
}
