package language

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
)

// Step is one operation of an actor. Its outcome is always recorded; expectations judge it.
type Step struct {
	// ID is the name of the step in references (actor.id). The loader sets the default: the name of
	// the operation for the first step of that operation in the actor, in the order of the file,
	// then connect2, connect3 and so on.
	ID     string   `json:"id,omitempty" jsonschema_description:"Name of the step in references, ACTOR.ID. Default: the operation, then connect2, connect3, ..."`
	Socket string   `json:"socket_name,omitempty" yaml:"socket" jsonschema_description:"Next to an operation: the name of the socket it works on. Default: the last suitable one."`
	After  EventRef `json:"after,omitempty" jsonschema_description:"Wait for this event before the step."`
	Times  int      `json:"times,omitempty" jsonschema_description:"Do it this many times, 1 to 100000."`
	Only   Names    `json:"only,omitempty" jsonschema_description:"Only in these cases or IP versions: names of cases, v4, v6."`
	Op     Op       `json:"op" yaml:",inline"`
	Pos    Pos      `json:"pos,omitzero" yaml:"-"`
}

func (v *validation) step(a *Actor, st *Step, made *socketsMade) {
	v.wordName(&st.ID, st.Pos, "id", st.ID)
	if v.has(&st.Socket) {
		v.wordName(&st.Socket, st.Pos, "name of a socket", st.Socket)
	}
	if v.has(&st.Times) && (st.Times < 1 || st.Times > maxTimes) {
		v.errorf(code.OutOfRange, &st.Times, st.Pos,
			"invalid times %d: want 1 to %d", st.Times, maxTimes)
	}
	v.awaits(a, st, &st.After)
	op := st.Op.Operation()
	if op == nil {
		return
	}
	op.check(v, a, st)
	op.sockets(v, st, made)
	lists, _ := st.Op.Nested()
	for _, list := range lists {
		v.steplist(a, list, made)
	}
}

// String returns the step as in YAML, with its ID if that differs from its operation: "connect:
// {to: server:8080}, id connect2".
func (s *Step) String() string {
	key, op := chosen[Operation](&s.Op)
	text := key
	if w, ok := op.(worded); ok {
		text = w.words()
	} else if op != nil {
		if value := flowOf(reflect.ValueOf(op)); value != "{}" {
			text += ": " + value
		}
	}
	if s.Socket != "" {
		text += ", on " + s.Socket
	}
	if s.After != "" {
		text += ", after " + string(s.After)
	}
	if s.Times > 1 {
		text += fmt.Sprintf(", %d times", s.Times)
	}
	if s.ID != "" && s.ID != key {
		text += ", id " + s.ID
	}
	return text
}

func stepsWords(steps []Step) string {
	words := make([]string, len(steps))
	for i := range steps {
		words[i] = steps[i].String()
	}
	return strings.Join(words, "; ")
}

// isBeside reports whether a key of a step stands next to its operation.
func isBeside(f decode.Field) bool { return len(f.Index) == 1 }

// besideOperation returns the field of a key that stands next to the operation of a step, or nil.
func besideOperation(key string) *decode.Field {
	fields := decode.Fields(reflect.TypeFor[Step]())
	i := slices.IndexFunc(fields, func(f decode.Field) bool { return f.Key == key && isBeside(f) })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

// step reads a step: a mapping of one operation and the keys next to it, or the bare name of an
// operation.
func (d *decoder) step(n *yaml.Node, s *Step) {
	s.Pos = Pos(d.At(n))
	op := reflect.ValueOf(&s.Op).Elem()
	if decode.IsScalar(n) {
		d.stepID(n, s, n.Value)
		d.seen[d.actor+"."+s.ID] = true
		d.OneOf(n, op, "operation")
		return
	}
	if n.Kind != yaml.MappingNode {
		d.Errorf(code.WrongType, n,
			"want a step here: an operation's name, or a mapping such as {connect: \"server:8080\"}")
		return
	}
	unknown := len(d.Mistakes())
	d.Keys(n)
	// What only leaves out may lack its operation, which then is a null parameter.
	if only := decode.Child(n, "only"); only != nil {
		d.Value(only, reflect.ValueOf(&s.Only).Elem())
	}
	known := decode.Keys(op.Type())
	var ops, rest []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Value == "only":
		case besideOperation(key.Value) != nil:
			rest = append(rest, key, n.Content[i+1])
		case slices.Contains(known, key.Value):
			ops = append(ops, key, n.Content[i+1])
		default:
			all := slices.Clone(known)
			for _, f := range decode.Fields(reflect.TypeFor[Step]()) {
				if isBeside(f) {
					all = append(all, f.Key)
				}
			}
			d.Unknown(key, all)
		}
	}
	if len(ops) == 0 {
		// If there is no other operation, socket is the operation.
		if i := slices.IndexFunc(rest, func(k *yaml.Node) bool {
			return k.Value == "socket"
		}); i >= 0 && i%2 == 0 {
			ops = append(ops, rest[i], rest[i+1])
			rest = slices.Delete(rest, i, i+2)
		} else {
			d.absentID(n, s, known)
			if len(d.Mistakes()) == unknown {
				d.Errorf(code.MissingKey, n,
					"the step has no operation; want one of %s", strings.Join(known, ", "))
			}
			return
		}
	}
	if len(ops) > 2 {
		d.Errorf(code.ConflictingKeys, ops[2],
			"two operations in one step: %q and %q; make them two steps",
			ops[0].Value, ops[2].Value)
		return
	}
	explicit := false
	for i := 0; i < len(rest); i += 2 {
		f := besideOperation(rest[i].Value)
		explicit = explicit || f.Key == "id"
		d.Value(rest[i+1], reflect.ValueOf(s).Elem().FieldByIndex(f.Index))
	}
	id := s.ID
	d.stepID(n, s, ops[0].Value)
	if explicit {
		s.ID = id
	}
	single := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column, Content: ops}
	d.OneOf(single, op, "operation")
	if s.Op.Start != nil && s.Op.Start.As != "" && !explicit {
		s.ID = s.Op.Start.As
	}
	d.seen[d.actor+"."+s.ID] = true
}

// absentID names a step whose operation is a null parameter, so that steps have the same names in
// each case.
func (d *decoder) absentID(n *yaml.Node, s *Step, known []string) {
	i := slices.IndexFunc(d.absent[n], func(key string) bool { return slices.Contains(known, key) })
	if i < 0 {
		return
	}
	d.stepID(n, s, d.absent[n][i])
	if id := decode.Child(n, "id"); id != nil {
		s.ID = id.Value
	}
	d.seen[d.actor+"."+s.ID] = true
}

// stepID sets the default ID of a step, from its operation and its place in the actor.
func (d *decoder) stepID(n *yaml.Node, s *Step, op string) {
	d.ids[op]++
	s.ID = op
	if d.ids[op] > 1 {
		s.ID = fmt.Sprintf("%s%d", op, d.ids[op])
	}
	d.Note(&s.ID, n)
}
