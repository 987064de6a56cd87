// Package words says parts of scenarios in plain words, on one line, for lists and plans.
package words

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"halfopen/scenarios/language"
)

// Selector says which packets a selector takes: "TCP SYN from client to server, port 8080".
func Selector(m *language.Selector) string {
	var what []string
	if len(m.TCP) > 0 {
		kinds := make([]string, len(m.TCP))
		for i, k := range m.TCP {
			kinds[i] = string(k)
		}
		if slices.Equal(kinds, []string{string(language.AnySegment)}) {
			what = append(what, "TCP")
		} else {
			what = append(what, "TCP "+strings.Join(kinds, " or "))
		}
	}
	for _, p := range []struct{ name, kind string }{{"UDP", m.UDP}, {"ICMP", m.ICMP}, {"ARP", m.ARP}} {
		switch p.kind {
		case "":
		case "any":
			what = append(what, p.name)
		default:
			what = append(what, p.name+" "+p.kind)
		}
	}
	if len(what) == 0 {
		what = append(what, "IP")
	}
	text := strings.Join(what, " or ") + " packets"
	if m.From != "" {
		text += " from " + m.From
	}
	if m.To != "" {
		text += " to " + m.To
	}
	// The rest is told in the language itself: it is rare, and has its words there.
	rest := *m
	rest.From, rest.To, rest.TCP, rest.UDP, rest.ICMP, rest.ARP = "", "", nil, "", "", ""
	if fields := language.FlowFields(reflect.ValueOf(rest)); len(fields) > 0 {
		text += ", " + strings.Join(fields, ", ")
	}
	return text
}

// Fault says what a fault does to which packets, where and when.
func Fault(f *language.Fault) string {
	at := f.At
	if at == "" {
		at = language.Wire
	}
	action := f.Do.Kind()
	if value := actionValue(&f.Do); value != "" && value != "{}" {
		action += " " + value
	}
	text := action
	if f.Do.Partition == nil {
		text += ": " + Selector(&f.Match) + ", at " + at
	}
	rest := *f
	rest.Name, rest.Match, rest.At, rest.Do, rest.Via, rest.Only, rest.Pos = "", language.Selector{}, "", language.Action{}, "", nil, language.Pos{}
	if fields := language.FlowFields(reflect.ValueOf(rest)); len(fields) > 0 {
		text += "; " + strings.Join(fields, ", ")
	}
	return text
}

func actionValue(a *language.Action) string {
	v := reflect.ValueOf(*a)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			return language.Flow(v.Field(i).Elem())
		}
	}
	return ""
}

// Step writes a step as the scenario language does, with the name that references have for it if that is not its operation's:
// "connect: {to: server:8080}, id connect2".
func Step(st *language.Step) string {
	var text string
	switch op := &st.Op; {
	case op.Repeat != nil:
		text = fmt.Sprintf("repeat %d times: %s", op.Repeat.Times, stepsWords(op.Repeat.Steps))
	case op.Parallel != nil:
		branches := make([]string, len(op.Parallel.Branches))
		for i, b := range op.Parallel.Branches {
			branches[i] = "(" + stepsWords(b) + ")"
		}
		text = "at once: " + strings.Join(branches, " and ")
	default:
		v := reflect.ValueOf(st.Op)
		for i := range v.NumField() {
			if !v.Field(i).IsNil() {
				text = op.Kind()
				if value := language.Flow(v.Field(i).Elem()); value != "{}" {
					text += ": " + value
				}
			}
		}
	}
	if st.Socket != "" {
		text += ", on " + st.Socket
	}
	if st.After != "" {
		text += ", after " + string(st.After)
	}
	if st.Times > 1 {
		text += fmt.Sprintf(", %d times", st.Times)
	}
	if st.ID != "" && st.ID != st.Op.Kind() {
		text += ", id " + st.ID
	}
	return text
}

func stepsWords(steps []language.Step) string {
	words := make([]string, len(steps))
	for i := range steps {
		words[i] = Step(&steps[i])
	}
	return strings.Join(words, "; ")
}

// Where says on which kernels an expectation holds.
func Where(w *language.Where) string {
	if w.NoSysctl != "" {
		return "where the kernel has no " + w.NoSysctl
	}
	return "where the kernel has " + w.Sysctl
}
