package language

import (
	"iter"
	"reflect"
)

// chosen returns the JSON name and the value of the field that is set in the struct behind s, whose
// fields are pointers to the types of one kind of thing: operations, actions, expectations. Fields
// of types other than T stand beside it and do not count. Both results are zero where none is set.
func chosen[T any](s any) (key string, value T) {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() != reflect.Pointer || f.IsNil() {
			continue
		}
		if value, ok := f.Interface().(T); ok {
			return jsonName(v.Type().Field(i)), value
		}
	}
	return "", value
}

// kinds returns what can be chosen in the struct S, in the order of its fields: each key with an
// empty value.
func kinds[T, S any]() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		s := reflect.TypeFor[S]()
		for i := range s.NumField() {
			f := s.Field(i)
			if f.Type.Kind() != reflect.Pointer {
				continue
			}
			if value, ok := reflect.New(f.Type.Elem()).Interface().(T); ok && !yield(jsonName(f), value) {
				return
			}
		}
	}
}
