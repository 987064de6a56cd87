package language

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// textParser is a value type that is written as one scalar.
type textParser interface{ parse(text string) error }

// decoder fills scenario types from YAML nodes. It goes on after a mistake, so that all of them are reported at once.
type decoder struct {
	file string
	errs []*Error
	// pos says where each decoded field stands, by pointer to it; noted has its keys in the order they came.
	pos   map[any]Pos
	noted []any
	// bad are the places of values that could not be made, about which nothing more is to be said.
	bad map[Pos]bool

	// The case being decoded, and every name that may stand in an only list.
	family Family
	label  string
	labels []string

	// ids counts the steps of each operation in the actor being decoded.
	ids map[string]int
	// seen holds every "ACTOR.STEP", "actor NAME" and "fault NAME" of the file, those included that only leaves out.
	seen  map[string]bool
	actor string
}

func (d *decoder) at(n *yaml.Node) Pos { return Pos{File: d.file, Line: n.Line, Col: n.Column} }

// note remembers where a field stands.
func (d *decoder) note(field any, n *yaml.Node) {
	d.pos[field] = d.at(n)
	d.noted = append(d.noted, field)
}

// forget drops what was noted since there were so many fields: those of an element that only leaves out, whose place in
// memory the next element takes.
func (d *decoder) forget(since int) {
	for _, field := range d.noted[since:] {
		delete(d.pos, field)
	}
	d.noted = d.noted[:since]
}

func (d *decoder) errorf(n *yaml.Node, format string, args ...any) {
	if len(d.errs) > maxErrors {
		return
	}
	d.errs = append(d.errs, &Error{d.at(n), fmt.Sprintf(format, args...)})
}

// value decodes n into v, which must be addressable.
func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem())
		return
	}
	d.note(v.Addr().Interface(), n)
	if n.Tag == badTag {
		d.bad[d.at(n)] = true
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *Step:
		d.step(n, p)
	case *Action:
		d.oneOf(n, v, "action")
	case *Expectation:
		d.expectation(n, p)
	case *Text:
		d.text(n, p)
	case *[]Host, *[]Fault, *[]Actor:
		d.named(n, v)
	case *[]Sysctl:
		d.pairs(n, v, "Value")
		for i := range *p {
			s := &(*p)[i]
			s.Name, s.Optional = strings.CutSuffix(s.Name, "?")
		}
	case *[]SockOption:
		d.pairs(n, v, "Value")
	case *[]CounterVal, *[]InfoVal:
		d.pairs(n, v, "Is")
	case *Setsockopt:
		d.value(n, reflect.ValueOf(&p.Options).Elem())
	case *SysctlOp:
		d.sysctlOp(n, v)
	case *Exec:
		if isScalar(n) && n.Value != "" {
			p.Command = []string{"sh", "-c", n.Value}
			return
		}
		d.structure(n, v)
		// The list form of command may be one shell command as well.
		if len(p.Command) == 1 && n.Kind == yaml.MappingNode {
			if c := child(n, "command"); c != nil && isScalar(c) {
				p.Command = []string{"sh", "-c", c.Value}
			}
		}
	case textParser:
		if text, ok := d.scalar(n); ok {
			if err := p.parse(text); err != nil {
				d.errorf(n, "%v", err)
			}
		}
	default:
		d.plain(n, v)
	}
}

// plain decodes by the kind of v.
func (d *decoder) plain(n *yaml.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		d.slice(n, v)
	case reflect.Map:
		d.boolMap(n, v)
	case reflect.String:
		if text, ok := d.scalar(n); ok {
			v.SetString(text)
			d.enum(n, text, typeEnum(v.Type()))
		}
	case reflect.Bool:
		text, ok := d.scalar(n)
		if ok && text != "true" && text != "false" {
			d.errorf(n, "want true or false, not %q", say.Clip(text))
		}
		v.SetBool(text == "true")
	case reflect.Int:
		if text, ok := d.scalar(n); ok {
			i, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				d.errorf(n, "want an integer, not %q", say.Clip(text))
			}
			v.SetInt(i)
		}
	default:
		panic("language: no way to decode " + v.Type().String())
	}
}

func isScalar(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// child returns the value of a key of a mapping, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// scalar returns the text of a scalar; it is an error for n to be anything else.
func (d *decoder) scalar(n *yaml.Node) (string, bool) {
	switch {
	case isScalar(n):
		return n.Value, true
	case isNull(n):
		d.errorf(n, "a value is missing here")
	case n.Kind == yaml.SequenceNode:
		d.errorf(n, "want a single value here, not a list")
	default:
		d.errorf(n, "want a single value here, not a mapping")
	}
	return "", false
}

func (d *decoder) enum(n *yaml.Node, text string, allowed []string) {
	if allowed == nil || slices.Contains(allowed, text) {
		return
	}
	d.errorf(n, "%q is not one of %s%s", say.Clip(text), strings.Join(allowed, ", "), spell.DidYouMean(text, allowed))
}

// structure decodes a mapping, or the struct's short form.
func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	short, hasShort := shortOf(fieldsOf(v.Type()))
	switch {
	case n.Kind == yaml.MappingNode:
		d.mapping(n, v, nil)
	case isNull(n):
		d.missing(n, v, "")
	case hasShort:
		if isScalar(n) {
			d.enum(n, n.Value, short.enum)
		}
		d.value(n, v.FieldByIndex(short.index))
		d.missing(n, v, short.key)
	case v.NumField() == 0:
		d.errorf(n, "no value is wanted here")
	default:
		d.errorf(n, "want a mapping here, with the keys %s", say.List(keysOf(fieldsOf(v.Type()))))
	}
}

// missing reports the required keys of a mapping that has none, but for the key given, which a short form has filled.
func (d *decoder) missing(n *yaml.Node, v reflect.Value, given string) {
	for _, f := range fieldsOf(v.Type()) {
		if f.required && f.key != given {
			d.errorf(n, "%q is missing", f.key)
		}
	}
}

// mapping decodes the keys of a mapping into the fields of a struct, but for those in skip.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, skip []string) {
	fields := fieldsOf(v.Type())
	seen := d.keys(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if slices.Contains(skip, key.Value) {
			continue
		}
		j := slices.IndexFunc(fields, func(f field) bool { return f.key == key.Value })
		if j < 0 {
			known := append(keysOf(fields), skip...)
			if isOperation(v.Type()) && slices.Contains(stepKeys, key.Value) {
				d.errorf(key, "%s stands beside the operation, not in it: {OPERATION: ..., %s: ...}", key.Value, key.Value)
				continue
			}
			d.errorf(key, "unknown key %q%s", say.Clip(key.Value), suggestKey(key.Value, known))
			// A section under a misspelt name is read as what it was meant to be, so that nothing seems to be missing that is in it.
			meant := spell.Nearest(key.Value, keysOf(fields))
			if meant == "" || seen[meant] {
				continue
			}
			seen[meant] = true
			if isScalar(value) {
				continue
			}
			j = slices.IndexFunc(fields, func(f field) bool { return f.key == meant })
		}
		if isScalar(value) {
			d.enum(value, value.Value, fields[j].enum)
		}
		d.value(value, v.FieldByIndex(fields[j].index))
	}
	for _, f := range fields {
		if f.required && !seen[f.key] && !slices.Contains(skip, f.key) {
			d.errorf(n, "%q is missing", f.key)
		}
	}
	if pos := v.FieldByName("Pos"); pos.IsValid() && pos.Type() == reflect.TypeFor[Pos]() {
		pos.Set(reflect.ValueOf(d.at(n)))
	}
}

// isOperation reports whether a type is that of an operation's arguments.
func isOperation(t reflect.Type) bool {
	op := reflect.TypeFor[Op]()
	for i := range op.NumField() {
		if op.Field(i).Type.Elem() == t {
			return true
		}
	}
	return false
}

// suggestKey is spell.DidYouMean for keys; where nothing is near it lists what there is.
func suggestKey(key string, known []string) string {
	if key == "<<" {
		return "; merge keys are not part of the language"
	}
	if s := spell.DidYouMean(key, known); s != "" || len(known) == 0 || len(known) > 40 {
		return s
	}
	return "; known here: " + strings.Join(known, ", ")
}

// keys returns the set of a mapping's keys and reports those that are no text or come twice.
func (d *decoder) keys(n *yaml.Node) map[string]bool {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.errorf(key, "want a name as key")
		case seen[key.Value]:
			d.errorf(key, "key %q is here twice", say.Clip(key.Value))
		}
		seen[key.Value] = true
	}
	return seen
}

// slice decodes a list; of simple values, one value may stand for a list of one. An empty list is nil.
func (d *decoder) slice(n *yaml.Node, v reflect.Value) {
	elem := v.Type().Elem()
	items := n.Content
	switch {
	case n.Kind == yaml.SequenceNode:
	case isNull(n):
		d.errorf(n, "a list is missing here")
		return
	case isScalar(n) && (elem.Kind() == reflect.String || elem.Kind() == reflect.Int || elem == reflect.TypeFor[Span]()):
		items = []*yaml.Node{n}
	default:
		d.errorf(n, "want a list here")
		return
	}
	if len(items) == 0 {
		return
	}
	s := reflect.MakeSlice(v.Type(), len(items), len(items))
	kept := 0
	for _, item := range items {
		since := len(d.noted)
		d.value(item, s.Index(kept))
		if d.keep(s.Index(kept)) {
			kept++
		} else {
			s.Index(kept).SetZero()
			d.forget(since)
		}
	}
	if kept > 0 {
		v.Set(s.Slice(0, kept))
	}
}

// keep reports whether the element, if it has an only list, belongs to the case being decoded: to one of the cases named,
// and to one of the IP families named.
func (d *decoder) keep(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return true
	}
	f := v.FieldByName("Only")
	if !f.IsValid() || f.Len() == 0 {
		return true
	}
	families, caseHit, cases, familyHit := false, false, false, false
	for i, name := range f.Interface().(Names) {
		pos := d.pos[f.Index(i).Addr().Interface()]
		switch {
		case name == string(V4) || name == string(V6):
			families = true
			familyHit = familyHit || name == string(d.family)
		case slices.Contains(d.labels, name):
			cases = true
			caseHit = caseHit || name == d.label
		default:
			known := append([]string{string(V4), string(V6)}, d.labels...)
			d.errs = append(d.errs, &Error{pos, fmt.Sprintf("only: no case %q%s", say.Clip(name), suggestCase(name, known))})
			return true
		}
	}
	return (!families || familyHit) && (!cases || caseHit)
}

func suggestCase(name string, known []string) string {
	if s := spell.DidYouMean(name, known); s != "" {
		return s
	}
	return "; there are " + say.List(known)
}

// boolMap decodes a mapping of names to true or false.
func (d *decoder) boolMap(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "want a mapping of names to true or false here")
		return
	}
	d.keys(n)
	m := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], e)
		m.SetMapIndex(reflect.ValueOf(n.Content[i].Value), e)
	}
	if m.Len() > 0 {
		v.Set(m)
	}
}
