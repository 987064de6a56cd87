package report

import (
	"fmt"
	"slices"

	"halfopen/internal/say"
)

// A run of similar rows is shortened to its beginning and its end.
const (
	// kindsInRun is how many kinds of rows may take turns in a run, such as data, its
	// acknowledgement and the steps that go with them.
	kindsInRun = 4
	keepHead   = 6
	keepTail   = 3
	// shortest is the smallest number of rows worth leaving out.
	shortest = 4
)

// around is how many rows before and after a marked one are kept.
const around = 3

// elide shortens rows to about most rows: first repetitions are left out, then the middle. Around a
// marked row nothing is left out. most 0 means no limit.
func elide(rows []row, most int) []row {
	if most <= 0 || len(rows) <= most {
		return rows
	}
	if first := slices.IndexFunc(rows, func(r row) bool { return r.marked }); first >= 0 {
		from, to := max(first-around, 0), min(first+around+1, len(rows))
		before, after := rows[:from], rows[to:]
		room := max(most-(to-from), 2*around)
		share := max(min(len(before), room/2), room-len(after))
		return slices.Concat(elide(before, share), rows[from:to], elide(after, max(room-share, around)))
	}
	rows = elideRuns(rows)
	if len(rows) <= most {
		return rows
	}
	head := max(most*2/3, 1)
	tail := max(most-head-1, 1)
	if len(rows)-head-tail < shortest {
		return rows
	}
	middle := remark(rows[head:len(rows)-tail], "more")
	return slices.Concat(rows[:head:head], []row{middle}, rows[len(rows)-tail:])
}

// elideRuns replaces the middle of each run of similar rows by a remark.
func elideRuns(rows []row) []row {
	var out []row
	for i := 0; i < len(rows); {
		kinds := map[string]bool{}
		n := i
		for n < len(rows) {
			like := rows[n].likeness()
			// New kinds may join a run only at its beginning: a later one is news.
			if !kinds[like] && (len(kinds) == kindsInRun || n-i >= 2*kindsInRun) {
				break
			}
			kinds[like] = true
			n++
		}
		if n-i >= keepHead+keepTail+shortest {
			out = append(out, rows[i:i+keepHead]...)
			out = append(out, remark(rows[i+keepHead:n-keepTail], "like these"))
			out = append(out, rows[n-keepTail:n]...)
			i = n
			continue
		}
		out = append(out, rows[i])
		i++
	}
	return out
}

// remark returns the row that stands for the rows left out.
func remark(gone []row, how string) row {
	packets, others := 0, 0
	for i := range gone {
		switch {
		case gone[i].journey != nil:
			packets++
		case gone[i].elided:
			// The rows that it stands for are counted nowhere else.
			packets += gone[i].packets
			others += gone[i].others
		default:
			others++
		}
	}
	text := say.Count(packets, "packet")
	if packets == 0 {
		text = say.Count(others, "line")
	} else if others > 0 {
		text += " and " + say.Count(others, "line")
	}
	if how == "more" {
		text = "... " + text + " more ..."
	} else {
		text = "... " + text + " like these ..."
	}
	first, last := gone[0].at, gone[len(gone)-1].at
	if last > first {
		text += fmt.Sprintf(" in %s", say.Duration(last-first))
	}
	return row{at: first, text: text, elided: true, packets: packets, others: others}
}
