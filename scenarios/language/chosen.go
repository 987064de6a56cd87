package language

import (
	"iter"
	"reflect"
)

// chosen returns the JSON name and the value of the field that is set in the struct that s points
// to. Its fields are pointers to types of one sort: operations, actions or expectations. Fields of
// types other than T are ignored. Both results are zero if no field is set.
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

// kinds returns the kinds that struct S can hold, in the order of its fields: the key of each, with
// an empty value.
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
