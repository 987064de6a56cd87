package language

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEventRefsOfAFault sets every reference to an event that a fault can have, in all of its
// actions, and wants each of them found.
func TestEventRefsOfAFault(t *testing.T) {
	var f Fault
	want := fillEventRefs(reflect.ValueOf(&f).Elem(), nil)
	got := EventRefs(&f)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events of a fault (-want +got):\n%s", diff)
	}
	for _, ref := range []EventRef{f.From, f.Until, f.Do.Hold.Until, f.Do.Replay.Until} {
		if !slices.Contains(got, ref) {
			t.Errorf("%q is missing", ref)
		}
	}
}

// fillEventRefs allocates all structs below v and sets each reference in them to a different event.
func fillEventRefs(v reflect.Value, refs []EventRef) []EventRef {
	switch {
	case v.Type() == reflect.TypeFor[EventRef]():
		ref := EventRef(fmt.Sprintf("client.step-%d", len(refs)))
		v.Set(reflect.ValueOf(ref))
		return append(refs, ref)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fillEventRefs(v.Elem(), refs)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fillEventRefs(v.Index(0), refs)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				refs = fillEventRefs(v.Field(i), refs)
			}
		}
	}
	return refs
}
