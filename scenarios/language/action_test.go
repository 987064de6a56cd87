package language

import (
	"reflect"
	"testing"
)

// The fields of Action are the only list of actions: a field whose type does not implement acting
// would be overlooked everywhere.
func TestEveryFieldOfActionIsAnAction(t *testing.T) {
	fields := reflect.TypeFor[Action]()
	if n := len(ActionKinds()); n != fields.NumField() {
		t.Errorf("%d kinds of action, but %d fields", n, fields.NumField())
	}
	for i := range fields.NumField() {
		f := fields.Field(i)
		a := Action{}
		reflect.ValueOf(&a).Elem().Field(i).Set(reflect.New(f.Type.Elem()))
		if a.Kind() == "" {
			t.Errorf("%s is not an action: its type lacks a method of acting", f.Name)
			continue
		}
		if a.String() == "" || a.Kind() != jsonName(f) {
			t.Errorf("%s: kind %q, words %q", f.Name, a.Kind(), a.String())
		}
		if f.Tag.Get("jsonschema_description") == "" {
			t.Errorf("%s has no description", f.Name)
		}
		filled(reflect.ValueOf(&a).Elem().Field(i))
		waits := has(f.Type, reflect.TypeFor[EventRef]()) || has(f.Type, reflect.TypeFor[Duration]())
		if waits && a.Effects().Holds == 0 {
			t.Errorf("%s holds no packet, but it has an event or a duration to wait for", f.Name)
		}
	}
	if kind := (&Action{}).Kind(); kind != "" {
		t.Errorf("an action that is not set is %q", kind)
	}
	if e := (&Action{}).Effects(); e != (Effects{}) {
		t.Errorf("an action that is not set has the effects %+v", e)
	}
}

// Ladders draw a packet as lost by a fault that reports no hits if the fault loses what it selects.
func TestOnlyDropAndRejectLoseWhatTheySelect(t *testing.T) {
	for kind, do := range kinds[acting, Action]() {
		if got, want := do.effects().Loses, kind == "drop" || kind == "reject"; got != want {
			t.Errorf("%s: Loses is %t, want %t", kind, got, want)
		}
	}
}
