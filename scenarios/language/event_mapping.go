package language

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/invopop/jsonschema"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/say"
)

// mapping is an event that is written as a mapping, such as {log: server.web, contains: ready}. The
// run watches for it. Its reference is the mapping as YAML on one line.
type mapping interface {
	// event returns the event, with the mapping in it.
	event() Event
	// check reports mistakes; pos is the place of the mapping. It returns false if there are some.
	check(v *validation, pos Pos) bool
	// watched says where the run watches for the event.
	watched(s *Scenario) string
}

// WatchedEvent is an event that the run watches for.
type WatchedEvent struct {
	Event
	// Where says where the run watches for it.
	Where string
}

// WatchedEvents returns the events that the run watches for, each once, in the order of the scenario.
func (s *Scenario) WatchedEvents() []WatchedEvent {
	var all []WatchedEvent
	seen := map[EventRef]bool{}
	for _, ref := range EventRefs(s) {
		if !ref.isMapping() {
			continue
		}
		e, err := ref.Parse()
		if err == nil && !seen[e.Ref()] {
			seen[e.Ref()] = true
			all = append(all, WatchedEvent{e, e.mapping().watched(s)})
		}
	}
	return all
}

// isMapping reports whether a reference is a mapping as YAML.
func (r EventRef) isMapping() bool { return strings.HasPrefix(string(r), "{") }

// mappings are the events that are written as mappings, by the key that says which it is.
var mappings = map[string]func() mapping{
	"log":    func() mapping { return &LogEvent{} },
	"packet": func() mapping { return &PacketEvent{} },
	"state":  func() mapping { return &StateEvent{} },
}

// mappingKeys are the keys of mappings, sorted.
func mappingKeys() []string { return slices.Sorted(maps.Keys(mappings)) }

// eventRef reads a reference: a text or, for an event that the run watches for, a mapping.
func (d *decoder) eventRef(n *yaml.Node, r *EventRef) {
	if n.Kind != yaml.MappingNode {
		if text, ok := d.Scalar(n); ok {
			*r = EventRef(text)
		}
		return
	}
	if m := d.mapping(n); m != nil {
		*r = refOf(m)
		d.events[r] = m
	}
}

// orEvent reads v, whose short form is an event. A mapping that is an event is the short form, too.
func (d *decoder) orEvent(n *yaml.Node, v any, event *EventRef) {
	if n.Kind == yaml.MappingNode &&
		slices.ContainsFunc(mappingKeys(), func(key string) bool { return decode.Child(n, key) != nil }) {
		d.Value(n, reflect.ValueOf(event).Elem())
		return
	}
	d.Plain(n, reflect.ValueOf(v).Elem())
}

// mapping reads a mapping; nil if it is none of an event.
func (d *decoder) mapping(n *yaml.Node) mapping {
	var found mapping
	for i := 0; i+1 < len(n.Content); i += 2 {
		if empty := mappings[n.Content[i].Value]; empty != nil {
			if found != nil {
				d.Errorf(code.ConflictingKeys, n.Content[i],
					"two events in one: keep one of %s", say.List(mappingKeys()))
				return nil
			}
			found = empty()
		}
	}
	if found == nil {
		d.Errorf(code.WrongType, n,
			"want an event here: %s, or a mapping with the key %s", eventForms,
			strings.Join(mappingKeys(), " or "))
		return nil
	}
	d.Plain(n, reflect.ValueOf(found).Elem())
	return found
}

// parseMapping reads the reference of an event that is written as a mapping.
func parseMapping(text string) (Event, error) {
	var doc, more yaml.Node
	in := yaml.NewDecoder(strings.NewReader(text))
	if in.Decode(&doc) != nil || len(doc.Content) != 1 || !errors.Is(in.Decode(&more), io.EOF) {
		return Event{}, code.Errorf(code.InvalidEvent,
			"invalid event %q: want a mapping on one line", say.Clip(text))
	}
	d := newDecoder("")
	m := d.mapping(doc.Content[0])
	if mistakes := d.Mistakes(); len(mistakes) > 0 {
		return Event{}, code.Errorf(code.InvalidEvent,
			"invalid event %q: %s", say.Clip(text), mistakes[0].Problem)
	}
	return m.event(), nil
}

// refOf returns the canonical reference to an event that is written as a mapping: YAML on one line, the
// keys in the order of the type.
func refOf(m mapping) EventRef {
	text, err := yaml.Marshal(flowNode(reflect.ValueOf(m).Elem()))
	if err != nil {
		panic(fmt.Sprintf("language: an event cannot be written: %v", err))
	}
	return EventRef(strings.TrimSuffix(string(text), "\n"))
}

// flowNode returns a value of the scenario language as a node on one line. What is not set is left out;
// so is nth: 1.
func flowNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.FlowStyle}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if _, ok := v.Addr().Interface().(decode.Setter); ok {
		n.Value = fmt.Sprint(v.Interface())
		return n
	}
	switch v.Kind() {
	case reflect.Struct:
		n.Kind = yaml.MappingNode
		for _, f := range decode.Fields(v.Type()) {
			value := v.FieldByIndex(f.Index)
			if value.IsZero() && !f.Required || f.Key == "nth" && value.Int() == 1 {
				continue
			}
			key := &yaml.Node{Kind: yaml.ScalarNode, Value: f.Key}
			n.Content = append(n.Content, key, flowNode(value))
		}
	case reflect.Slice:
		if v.Len() == 1 {
			return flowNode(v.Index(0))
		}
		n.Kind = yaml.SequenceNode
		for i := range v.Len() {
			n.Content = append(n.Content, flowNode(v.Index(i)))
		}
	case reflect.Map:
		n.Kind = yaml.MappingNode
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			key := &yaml.Node{Kind: yaml.ScalarNode, Value: k.String()}
			value := &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(v.MapIndex(k).Interface())}
			n.Content = append(n.Content, key, value)
		}
	case reflect.String:
		n.SetString(v.String())
		if n.Style = 0; strings.Contains(n.Value, "\n") {
			n.Style = yaml.DoubleQuotedStyle
		}
	default:
		n.Value = fmt.Sprint(v.Interface())
	}
	return n
}

// nth checks which of some things an event is about.
func (v *validation) nth(field *int, pos Pos, nth int, things string) {
	if v.has(field) && nth < 1 || nth < 0 {
		v.errorf(code.OutOfRange, field, pos, "invalid nth %d: %s are counted from 1", nth, things)
	}
}

func eventSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	b.define(t.Name(), &jsonschema.Schema{})
	alternatives := []*jsonschema.Schema{{Type: "string"}}
	for _, key := range mappingKeys() {
		of := reflect.TypeOf(mappings[key]()).Elem()
		alternatives = append(alternatives, b.define(of.Name(), b.object(of)))
	}
	return b.define(t.Name(), alternatives...)
}
