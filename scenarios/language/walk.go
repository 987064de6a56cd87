package language

import "reflect"

// EachStep calls f for every step of the list and for the steps nested in them, in the order of the
// file.
func EachStep(steps []Step, f func(*Step)) {
	for i := range steps {
		s := &steps[i]
		f(s)
		lists, _ := s.Op.Nested()
		for _, list := range lists {
			EachStep(list, f)
		}
	}
}

// EventRefs returns every event that a part of a scenario refers to: a *[Scenario], *[Fault],
// *[Action], *[Step] or *[Expectation], or a list of these. They come in the order of the fields,
// some more than once.
func EventRefs(part any) []EventRef {
	var refs []EventRef
	eachValue(reflect.ValueOf(part), func(v reflect.Value) {
		if r, ok := v.Interface().(EventRef); ok && r != "" {
			refs = append(refs, r)
		}
	})
	return refs
}

// Texts returns every string in a part of a scenario, as [EventRefs] does.
func Texts(part any) []string {
	var texts []string
	eachValue(reflect.ValueOf(part), func(v reflect.Value) { texts = append(texts, v.String()) })
	return texts
}

// eachValue calls f for every string that can be reached from v, through pointers, structs and
// slices.
func eachValue(v reflect.Value, f func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachValue(v.Elem(), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachValue(v.Field(i), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachValue(v.Index(i), f)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			eachValue(v.MapIndex(key), f)
		}
	case reflect.String:
		f(v)
	case reflect.Interface, reflect.Func, reflect.Chan:
		panic("language: values of type " + v.Type().String() + " may hide references to events")
	}
}
