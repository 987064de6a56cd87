package language

import (
	"fmt"
	"reflect"
	"slices"

	"halfopen/internal/decode"
)

// misplaced returns a message for a key that a struct does not have, but the struct around it or one
// within it; "" for any other key.
func misplaced(t reflect.Type, key string) string {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[Operation]()) && besideOperation(key) != nil {
		return fmt.Sprintf("%s belongs beside the operation, not in it: {OPERATION: ..., %s: ...}",
			key, key)
	}
	if t == reflect.TypeFor[CountersExpectation]() && slices.Contains(windowKeys, key) {
		return key + ": counters are read before and after the whole run; remove the key"
	}
	if t == reflect.TypeFor[ProcessExpectation]() && key == "hangs" {
		return "hangs belongs to a step, not to a process: {step: ACTOR.STEP, hangs: true}"
	}
	for _, f := range decode.Fields(t) {
		part := t.FieldByIndex(f.Index).Type
		if isSelector(part) && slices.Contains(decode.Keys(part), key) {
			return fmt.Sprintf("%[1]s belongs inside %[2]s, not beside it: {%[2]s: {%[1]s: ...}}", key, f.Key)
		}
	}
	if isSelector(t) {
		for _, outer := range aroundSelector(t) {
			if slices.Contains(decode.Keys(outer), key) {
				return key + " belongs beside the selector, not inside it"
			}
		}
	}
	return ""
}

// windowKeys are the keys of expectations that have a time.
var windowKeys = []string{"since", "until", "at", "from", "when"}

func isSelector(t reflect.Type) bool {
	return t == reflect.TypeFor[Selector]() || t == reflect.TypeFor[SocketSelector]() ||
		t == reflect.TypeFor[DropSelector]()
}

// aroundSelector returns the structs that have a selector: a fault, kinds of expectations, and events.
func aroundSelector(selector reflect.Type) []reflect.Type {
	outers := []reflect.Type{reflect.TypeFor[Fault]()}
	for _, kind := range kinds[expectationKind, Expectation]() {
		outers = append(outers, reflect.TypeOf(kind).Elem())
	}
	for _, key := range mappingKeys() {
		outers = append(outers, reflect.TypeOf(mappings[key]()).Elem())
	}
	return slices.DeleteFunc(outers, func(outer reflect.Type) bool {
		return !slices.ContainsFunc(decode.Fields(outer), func(f decode.Field) bool {
			return outer.FieldByIndex(f.Index).Type == selector
		})
	})
}
