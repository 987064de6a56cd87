package decode

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Field is a key of a mapping in YAML, and the struct field that it fills.
type Field struct {
	Key string
	// Index finds the field, see [reflect.Value.FieldByIndex].
	Index    []int
	Required bool
	// Short is set for the field of the short form.
	Short bool
	// Words are the texts that are allowed; nil allows any.
	Words []string
}

// shape describes how a struct is written in YAML.
type shape struct {
	fields []Field
	// name, value, whole and place find the fields with these flags; nil if there is none.
	name, value, whole, place []int
}

var shapes sync.Map // reflect.Type -> *shape

// shapeOf returns the shape of a struct; that of any other type is empty.
func shapeOf(t reflect.Type) *shape {
	if cached, ok := shapes.Load(t); ok {
		return cached.(*shape)
	}
	s := &shape{}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			s.add(t.Field(i), i)
		}
	}
	shapes.Store(t, s)
	return s
}

// add adds the ith field of a struct.
func (s *shape) add(sf reflect.StructField, i int) {
	yamlName, yamlFlags, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
	jsonName, jsonFlags, _ := strings.Cut(sf.Tag.Get("json"), ",")
	flags := strings.Split(yamlFlags, ",")
	flagged := func(flag string) bool { return slices.Contains(flags, flag) }
	switch {
	case !sf.IsExported():
		return
	case sf.Type.Kind() == reflect.Struct && reflect.TypeFor[Place]().ConvertibleTo(sf.Type):
		s.place = []int{i}
		return
	case yamlName == "-":
		return
	case sf.Anonymous || flagged("inline"):
		for j, f := range Fields(sf.Type) {
			f.Index = append([]int{i}, f.Index...)
			f.Short = j == 0 && flagged("short")
			s.fields = append(s.fields, f)
		}
		return
	case flagged("name"):
		s.name = []int{i}
		return
	case flagged("value"):
		s.value = []int{i}
		return
	case flagged("whole"):
		s.whole = []int{i}
		return
	}
	f := Field{
		Key: yamlName, Index: []int{i},
		Required: !strings.Contains(jsonFlags, "omit"),
		Short:    flagged("short"),
	}
	if f.Key == "" {
		f.Key = jsonName
	}
	if f.Key == "" {
		return
	}
	for part := range strings.SplitSeq(sf.Tag.Get("jsonschema"), ",") {
		if word, ok := strings.CutPrefix(part, "enum="); ok {
			f.Words = append(f.Words, word)
		}
	}
	s.fields = append(s.fields, f)
}

// Fields returns the keys of a struct in YAML, in the order of its fields.
func Fields(t reflect.Type) []Field { return shapeOf(t).fields }

// Keys returns the names of a struct's keys.
func Keys(t reflect.Type) []string {
	fields := Fields(t)
	keys := make([]string, 0, len(fields))
	for _, f := range fields {
		if !slices.Contains(keys, f.Key) {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// Short returns the field of a struct's short form; false if it has none.
func Short(t reflect.Type) (Field, bool) {
	fields := Fields(t)
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Short })
	if i < 0 {
		return Field{}, false
	}
	return fields[i], true
}

// Whole returns the type that is written in place of a struct; false for a struct that is written
// as a mapping.
func Whole(t reflect.Type) (reflect.Type, bool) {
	s := shapeOf(t)
	if s.whole == nil {
		return nil, false
	}
	return t.FieldByIndex(s.whole).Type, true
}

// IsEntries reports whether a type is a list that is written as a mapping of names.
func IsEntries(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && shapeOf(t.Elem()).name != nil
}

// EntryValue returns the type of the values of a list that is written as a mapping of names: that
// of a field, or the struct itself.
func EntryValue(t reflect.Type) reflect.Type {
	if s := shapeOf(t.Elem()); s.value != nil {
		return t.Elem().FieldByIndex(s.value).Type
	}
	return t.Elem()
}

// WordsOf returns the words of a text type, or nil for a type that takes any text.
func WordsOf(t reflect.Type) []string {
	if w, ok := reflect.Zero(t).Interface().(Worded); ok {
		return w.Words()
	}
	return nil
}
