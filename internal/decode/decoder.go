package decode

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// Place is a place in a file. Line and Col count from 1.
type Place struct {
	File string
	Line int
	Col  int
}

// Mistake is one mistake in a file.
type Mistake struct {
	Place Place
	code.Problem
}

// MaxMistakes bounds the report on a file of a different kind. A decoder records one mistake more
// than this, so that the report can say that some are left out.
const MaxMistakes = 200

// BadTag marks a scalar without a value, because of the mistakes given to [Decoder.Blame]. The
// decoder reports them when it comes to the scalar, leaves its field empty, and reports nothing more
// at its place.
const BadTag = "!!bad"

// Setter is a type that is written as one scalar. The error describes the mistake in the text,
// without its place.
type Setter interface{ Set(text string) error }

// Worded is a text type with a fixed set of words.
type Worded interface{ Words() []string }

// A Form reads a node into a value of one type.
type Form func(n *yaml.Node, v reflect.Value)

// Decoder fills structs from YAML nodes. It goes on after a mistake, so that all of them are
// reported at once. The zero value is ready to use. Aliases must have been replaced.
type Decoder struct {
	// File is the name of the file in places.
	File string
	// Form returns the function that reads a type with a notation that tags cannot describe; nil
	// for all other types.
	Form func(t reflect.Type) Form
	// Keep reports whether an element stays in its list. The places and the mistakes in an element
	// that does not stay are forgotten; see [Decoder.Forgotten].
	Keep func(element reflect.Value) bool
	// Misplaced returns the mistake in a key that a struct does not have, or "" if the key is just
	// unknown.
	Misplaced func(t reflect.Type, key string) string

	mistakes, forgotten []Mistake
	// places has the places of the decoded fields, by pointer to the field. noted has its keys in
	// the order in which they were added.
	places map[any]Place
	noted  []any
	// bad are the places of scalars with BadTag. No mistakes are reported there. blamed has the
	// mistakes that each of them stands for.
	bad    map[Place]bool
	blamed map[*yaml.Node][]Mistake
}

// At returns the place of a node.
func (d *Decoder) At(n *yaml.Node) Place { return Place{d.File, n.Line, n.Column} }

// Note records the place of a field, given by pointer.
func (d *Decoder) Note(field any, n *yaml.Node) {
	if d.places == nil {
		d.places = map[any]Place{}
	}
	d.places[field] = d.At(n)
	d.noted = append(d.noted, field)
}

// Place returns the place of a field, given by pointer; false if it is not in the file.
func (d *Decoder) Place(field any) (Place, bool) {
	p, ok := d.places[field]
	return p, ok
}

// forget drops the places and the mistakes recorded after the first ones, as many as given. They
// belong to an element that was left out, whose memory the next element reuses.
func (d *Decoder) forget(places, mistakes int) {
	for _, field := range d.noted[places:] {
		delete(d.places, field)
	}
	d.noted = d.noted[:places]
	if len(d.forgotten) <= MaxMistakes {
		d.forgotten = append(d.forgotten, d.mistakes[mistakes:]...)
	}
	d.mistakes = d.mistakes[:mistakes]
}

// Forgotten returns the mistakes in elements that do not stay, in the order they were found.
func (d *Decoder) Forgotten() []Mistake { return d.forgotten }

// Errorf records a mistake at a node; see [code.Errorf].
func (d *Decoder) Errorf(c code.Code, n *yaml.Node, format string, args ...any) {
	d.add(Mistake{d.At(n), code.Errorf(c, format, args...)})
}

// ErrorAt records a mistake at a place.
func (d *Decoder) ErrorAt(c code.Code, p Place, format string, args ...any) {
	d.add(Mistake{p, code.Errorf(c, format, args...)})
}

func (d *Decoder) add(m Mistake) {
	if len(d.mistakes) <= MaxMistakes {
		d.mistakes = append(d.mistakes, m)
	}
}

// Blame gives a scalar without a value the mistakes that it stands for.
func (d *Decoder) Blame(n *yaml.Node, mistakes []Mistake) {
	if d.blamed == nil {
		d.blamed = map[*yaml.Node][]Mistake{}
	}
	n.Tag, d.blamed[n] = BadTag, mistakes
}

// isBad reports whether a node has no value, and reports the mistakes that it stands for.
func (d *Decoder) isBad(n *yaml.Node) bool {
	if n.Tag != BadTag {
		return false
	}
	if d.bad == nil {
		d.bad = map[Place]bool{}
	}
	d.bad[d.At(n)] = true
	for _, m := range d.blamed[n] {
		if !slices.Contains(d.mistakes, m) {
			d.add(m)
		}
	}
	return true
}

// Mistakes returns the mistakes recorded so far, in the order they were found.
func (d *Decoder) Mistakes() []Mistake { return d.mistakes }

// Reported reports whether a mistake at the place has been reported already. Another one there
// would be a consequence of it.
func (d *Decoder) Reported(p Place) bool {
	return d.bad[p] || slices.ContainsFunc(d.mistakes, func(m Mistake) bool { return m.Place == p })
}

// Value decodes n into v, which must be addressable.
func (d *Decoder) Value(n *yaml.Node, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.Value(n, v.Elem())
		return
	}
	d.Note(v.Addr().Interface(), n)
	if d.isBad(n) {
		return
	}
	if d.Form != nil {
		if read := d.Form(v.Type()); read != nil {
			read(n, v)
			return
		}
	}
	d.Plain(n, v)
}

// Plain decodes n into v by the tags and the kind of v. A [Form] that handles only some nodes calls
// it for the others.
func (d *Decoder) Plain(n *yaml.Node, v reflect.Value) {
	if s, ok := v.Addr().Interface().(Setter); ok {
		if text, ok := d.Scalar(n); ok {
			if err := s.Set(text); err != nil {
				d.Errorf(code.InvalidValue, n, "%v", err)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		if entry := shapeOf(v.Type().Elem()); entry.name != nil {
			d.entries(n, v, entry)
		} else {
			d.list(n, v)
		}
	case reflect.Map:
		d.boolMap(n, v)
	case reflect.String:
		if text, ok := d.Scalar(n); ok {
			v.SetString(text)
			d.oneOfWords(n, text, WordsOf(v.Type()))
		}
	case reflect.Bool:
		text, ok := d.Scalar(n)
		if ok && text != "true" && text != "false" {
			d.Errorf(code.WrongType, n, "want true or false, not %q", say.Clip(text))
		}
		v.SetBool(text == "true")
	case reflect.Int:
		if text, ok := d.Scalar(n); ok {
			i, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				d.Errorf(code.WrongType, n, "want an integer, not %q", say.Clip(text))
			}
			v.SetInt(i)
		}
	default:
		panic("decode: no way to decode " + v.Type().String())
	}
}

// Scalar returns the text of a scalar. For any other node it records a mistake and returns false.
func (d *Decoder) Scalar(n *yaml.Node) (string, bool) {
	switch {
	case IsScalar(n):
		return n.Value, true
	case IsNull(n):
		d.Errorf(code.MissingValue, n, "missing value: want a single value here")
	case n.Kind == yaml.SequenceNode:
		d.Errorf(code.WrongType, n, "want a single value here, not a list")
	default:
		d.Errorf(code.WrongType, n, "want a single value here, not a mapping")
	}
	return "", false
}

// oneOfWords checks a text against the words it may be; nil allows any.
func (d *Decoder) oneOfWords(n *yaml.Node, text string, allowed []string) {
	if allowed == nil || n.Tag == BadTag || slices.Contains(allowed, text) {
		return
	}
	d.Errorf(code.UnknownWord, n, "invalid value %q: want one of %s%s",
		say.Clip(text), strings.Join(allowed, ", "), spell.DidYouMean(text, allowed))
}

// IsScalar reports whether a node is a scalar other than null.
func IsScalar(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" }

// IsNull reports whether a node is null: ~, null or nothing.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Child returns the value of a key of a mapping, or nil.
func Child(n *yaml.Node, key string) *yaml.Node {
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
