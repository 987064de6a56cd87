package language

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// eachKind calls f for an empty expectation of each kind, and for its kind as a value to fill.
func eachKind(t *testing.T, f func(t *testing.T, e *Expectation, kind reflect.Value)) {
	t.Helper()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Expectation]()) {
		if field.Type.Kind() != reflect.Pointer || field.Type == reflect.TypeFor[*Where]() {
			continue
		}
		t.Run(jsonName(field), func(t *testing.T) {
			e := &Expectation{}
			kind := reflect.ValueOf(e).Elem().FieldByIndex(field.Index)
			kind.Set(reflect.New(field.Type.Elem()))
			f(t, e, kind.Elem())
		})
	}
}

func TestEveryPointerOfAnExpectationIsAKind(t *testing.T) {
	known := ExpectationKinds()
	eachKind(t, func(t *testing.T, e *Expectation, kind reflect.Value) {
		_, key, _ := strings.Cut(t.Name(), "/")
		if got := e.Kind(); got != key {
			t.Errorf("Kind() = %q: %s must implement expectationKind", got, kind.Addr().Type())
		}
		if !slices.Contains(known, key) {
			t.Errorf("ExpectationKinds() = %q, without this one", known)
		}
	})
	if got := (&Expectation{Where: &Where{Sysctl: "net.x"}}).Kind(); got != "" {
		t.Errorf("an expectation of where alone is of kind %q", got)
	}
}

// Where sockets are judged at an event, their state at that event must be known; since only says from when a time counts.
func TestSocketsAreSampledAtEveryEventThatTheyAreJudgedAt(t *testing.T) {
	eachKind(t, func(t *testing.T, e *Expectation, kind reflect.Value) {
		if got := e.SampledAt(); got != nil {
			t.Errorf("SampledAt() = %q, but no event is named", got)
		}
		var want []EventRef
		ofSockets := slices.ContainsFunc(reflect.VisibleFields(kind.Type()), func(f reflect.StructField) bool {
			return f.Type == reflect.TypeFor[SocketSelector]()
		})
		if ofSockets && !e.Observed() {
			t.Error("Observed() = false, but it selects sockets")
		}
		for i := range kind.NumField() {
			f := kind.Type().Field(i)
			if f.Type != reflect.TypeFor[EventRef]() {
				continue
			}
			ref := EventRef("client." + strings.ToLower(f.Name) + "[1]")
			kind.Field(i).SetString(string(ref))
			if ofSockets && f.Name != "Since" {
				want = append(want, ref.Canonical())
			}
		}
		if got := e.SampledAt(); !slices.Equal(got, want) {
			t.Errorf("SampledAt() = %q, want %q", got, want)
		}
	})
}
