// Package words says parts of scenarios in plain words, on one line, for lists and plans.
package words

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

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
	if fields := flowFields(reflect.ValueOf(rest)); len(fields) > 0 {
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
	if fields := flowFields(reflect.ValueOf(rest)); len(fields) > 0 {
		text += "; " + strings.Join(fields, ", ")
	}
	return text
}

func actionValue(a *language.Action) string {
	v := reflect.ValueOf(*a)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			return flow(v.Field(i).Elem())
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
				if value := flow(v.Field(i).Elem()); value != "{}" {
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

// flow writes a value of the scenario language on one line, as YAML does.
func flow(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case language.Count:
		return x.Source
	case language.Duration:
		return time.Duration(x).String()
	case language.Percent:
		return fmt.Sprintf("%g%%", math.Round(float64(x)*1e6)/1e4)
	case language.Selector:
		return Selector(&x)
	case language.Sysctl:
		return x.Name + "=" + x.Value
	case language.SockOption:
		return x.Name + "=" + x.Value
	}
	switch v.Kind() {
	case reflect.Pointer:
		return flow(v.Elem())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = flow(v.Index(i))
		}
		if len(items) == 1 {
			return items[0]
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		items := make([]string, len(keys))
		for i, k := range keys {
			items[i] = k.String() + ": " + flow(v.MapIndex(k))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case reflect.Struct:
		return "{" + strings.Join(flowFields(v), ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

// flowFields writes the fields of a struct that are set, but for places in files.
func flowFields(v reflect.Value) []string {
	var fields []string
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		switch {
		case f.IsZero() || t.Name == "Pos":
		case t.Anonymous:
			fields = append(fields, flowFields(f)...)
		case f.Kind() == reflect.Bool:
			fields = append(fields, jsonName(t))
		default:
			fields = append(fields, jsonName(t)+": "+flow(f))
		}
	}
	return fields
}

func jsonName(t reflect.StructField) string {
	name, _, _ := strings.Cut(t.Tag.Get("json"), ",")
	return name
}
