package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"halfopen/harness/trace"
	"halfopen/internal/packet"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// row is one line of a ladder: a packet, something that happened on a host, or (with neither) a
// remark on the run.
type row struct {
	at    time.Duration
	host  string
	text  string
	style style
	// end is the part of the text that must be read: a step's result, and that its time has only
	// begun. Where there is no room for both, the text is cut.
	end string

	journey *Journey
	words   []string
	// change is set for changes of a socket's state; their text is made last.
	change *change
	// line is true for a line of a program.
	line bool
	// call is true for a call of a program.
	call bool
	// marked is true for a packet at which a check failed.
	marked bool
	gap    time.Duration
	hasGap bool
	// elided is true for a remark that stands for packets and other rows that were left out.
	elided          bool
	packets, others int
}

// likeness is equal for rows that look the same to a reader.
func (r *row) likeness() string {
	if j := r.journey; j != nil {
		return strings.Join([]string{
			"p", j.From, j.To, r.words[0],
			fmt.Sprint(j.Lost(), j.Flow.Retransmission, j.Packet.SPort, j.Packet.DPort),
		}, "\x00")
	}
	if r.line {
		return r.host + "\x00line"
	}
	call, _, _ := strings.Cut(r.text, "(")
	return r.host + "\x00" + call
}

// fit returns the row's text in at most width columns. A call loses the last of its arguments, and
// only if that is not enough, its result loses its middle.
func (r *row) fit(width int, mark string) string {
	text, end := say.Printable(r.text), say.Printable(r.end)
	if end == "" {
		return cut(text, width, mark)
	}
	name, _, _ := strings.Cut(text, "(")
	least := name + "(" + mark + ")"
	if room := width - widthOf(end); room >= min(widthOf(text), widthOf(least)) {
		return cutCall(text, room, mark) + end
	}
	text = cutCall(text, widthOf(least), mark)
	result, took := end, ""
	if i := strings.LastIndex(end, " after "); i >= 0 {
		result, took = end[:i], end[i:]
	}
	result = cut(result, max(width-widthOf(text)-widthOf(took), 0), mark)
	return cut(text+result+took, width, mark)
}

// cutCall shortens a call to width columns: "exec(sh -c sleep…)".
func cutCall(text string, width int, mark string) string {
	if widthOf(text) <= width {
		return text
	}
	i := strings.LastIndexByte(text, ')')
	if i < 0 || widthOf(text[i:]) >= width {
		return cut(text, width, mark)
	}
	return cut(text[:i], width-widthOf(text[i:]), mark) + text[i:]
}

// ladderRows lists what a ladder draws, in order of time. Packets from leftOut on are not among the
// journeys.
func ladderRows(
	s *language.Scenario, t *trace.Trace, all []*Journey, leftOut time.Duration, o *LadderOptions,
) []row {
	var rows []row
	labels := newLabeler()
	only, mark := setOf(o.Only), setOf(o.Mark)
	for _, j := range all {
		// The labeler must see every packet, drawn or not.
		words := labels.words(j)
		if slices.Contains(words, "probe") {
			j.Dropped = "" // it has what it came for, an answer: it is old on purpose
		}
		at := j.Sent
		if o.Only != nil {
			i := slices.IndexFunc(j.Events, func(i int) bool { return only[i] })
			if i < 0 {
				continue
			}
			at = t.Events[j.Events[i]].T
		} else if !o.ARP && background(j.Packet) {
			continue
		}
		rows = append(rows, row{
			at: at, journey: j, words: words,
			marked: slices.ContainsFunc(j.Events, func(i int) bool { return mark[i] }),
		})
	}
	if leftOut < never {
		rows = append(rows, row{
			at: leftOut, style: bad,
			text: fmt.Sprintf("the ladder has the first %d packets: those after this are left out", len(all)),
		})
	}
	if o.Only == nil {
		rows = append(rows, stepRows(s, t)...)
		rows = append(rows, stateRows(o.timelines(s, t))...)
		rows = append(rows, dropRows(t)...)
		rows = append(rows, remarkRows(t)...)
		rows = append(rows, programRows(s, t)...)
		rows = append(rows, lineRows(s, t, o.Lines)...)
		rows = append(rows, callRows(s, t, o.Calls, cmp.Or(o.moreCalls, "see halfopen inspect"))...)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank(), b.rank()))
	})
	rows = joinChanges(rows)
	type way struct{ from, to string }
	last := map[way]time.Duration{}
	for i := range rows {
		j := rows[i].journey
		if j == nil {
			continue
		}
		w := way{j.From, j.To}
		before, ok := last[w]
		rows[i].gap, rows[i].hasGap = rows[i].at-before, ok
		last[w] = rows[i].at
	}
	return rows
}

func setOf(indexes []int) map[int]bool {
	set := map[int]bool{}
	for _, i := range indexes {
		set[i] = true
	}
	return set
}

// background reports whether the packet belongs to the network itself, and ladders leave it out:
// ARP, neighbour discovery, multicast listener reports.
func background(d *packet.Decoded) bool {
	return d.Proto == "arp" || d.Proto == "ndp" || d.Proto == "icmp" && d.Dst.IsMulticast()
}

// stepRows has a row for each step that ended, and one for the start of each step of 1 ms or more.
func stepRows(s *language.Scenario, t *trace.Trace) []row {
	calls := stepCalls(s, t)
	type execution struct {
		actor, id string
		n         int
	}
	var rows []row
	started := map[execution]int{}
	for i := range t.Events {
		e := &t.Events[i]
		switch {
		case e.Start != nil && e.Start.Actor != "":
			st := e.Start
			started[execution{st.Actor, st.Step, st.N}] = len(rows)
			rows = append(rows, row{
				at: e.T, host: hostOf(s, st.Actor),
				text:  actorPrefix(s, st.Actor) + calls.named(st.Actor, st.Step, st.Op, st.N),
				style: bold,
			})
		case e.Step != nil:
			st := e.Step
			took := e.T - st.Began
			key := execution{st.Actor, st.ID, st.N}
			if st.Op == "sleep" || st.Op == "wait" || st.Op == "signal" {
				// The row of their start says everything.
				if st.Errno == "" {
					continue
				}
			}
			text := calls.of(st)
			at, slow := started[key]
			if slow && took < time.Millisecond {
				rows[at].text = ""
			} else if slow {
				rows[at].end = " ..."
			}
			rows = append(rows, row{
				at: e.T, host: hostOf(s, st.Actor),
				text: actorPrefix(s, st.Actor) + text, end: " " + outcome(st, took), style: bold,
			})
		}
	}
	return slices.DeleteFunc(rows, func(r row) bool { return r.text == "" })
}

// hostOf returns the host an actor runs on.
func hostOf(s *language.Scenario, actor string) string {
	if s != nil {
		if a := s.Actor(actor); a != nil && a.Host != "" {
			return a.Host
		}
	}
	return actor
}

func actorPrefix(s *language.Scenario, actor string) string {
	if hostOf(s, actor) != actor {
		return actor + ": "
	}
	return ""
}

// remarkRows has the rows that belong to no host: faults switched on and off, notes, a run that was
// cut short.
func remarkRows(t *trace.Trace) []row {
	var rows []row
	begin := t.Started()
	for i := range t.Events {
		e := &t.Events[i]
		switch {
		case e.Fault != nil && (e.Fault.What == trace.FaultOn || e.Fault.What == trace.FaultOff) &&
			e.T > begin:
			if end, at := t.End(); e.Fault.What == trace.FaultOff && end != nil &&
				e.T >= at-time.Millisecond {
				continue
			}
			text := "fault " + e.Fault.Name + " " + string(e.Fault.What)
			if e.Fault.Hand != "" {
				text += ", by hand: " + e.Fault.Hand
			}
			if e.Fault.Holder {
				text += ", by the holder of the lab"
			}
			rows = append(rows, row{at: e.T, text: text, style: bad})
		case e.Fault != nil && e.Fault.What == trace.FaultAdded:
			rows = append(rows, row{
				at: e.T, style: bad,
				text: "fault " + e.Fault.Name + " added, by hand: " + e.Fault.Hand + ": " + e.Fault.Phrase,
			})
		case e.Note != nil:
			rows = append(rows, row{at: e.T, text: "note: " + e.Note.Text, style: bad})
		case e.End != nil && e.End.Reason != trace.EndDone && e.End.Reason != trace.EndReleased:
			text := "the run ended: " + string(e.End.Reason)
			if len(e.End.Hanging) > 0 {
				text += "; still hanging: " + strings.Join(e.End.Hanging, ", ")
			}
			rows = append(rows, row{at: e.T, text: text, style: bad})
		}
	}
	return rows
}
