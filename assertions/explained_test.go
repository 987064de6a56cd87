package assertions

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"halfopen/scenarios/language"
)

// Whether lateness explains a failure is decided for each key of an expectation that is a time or an
// event, and for each field of tcp_info that is a time.
func TestEveryTimeIsExplainedOrNot(t *testing.T) {
	times := []reflect.Type{
		reflect.TypeFor[*language.Span](), reflect.TypeFor[[]language.Span](), reflect.TypeFor[language.EventRef](),
	}
	known, decided := map[string]bool{"end deadline": true}, 0
	decide := func(name string, time bool) {
		known[name] = true
		if _, ok := explained[name]; !ok && time {
			t.Errorf("it is not decided whether lateness explains %q", name)
		}
		if time {
			decided++
		}
	}
	e := reflect.TypeFor[language.Expectation]()
	for i := range e.NumField() {
		kind := strings.ToLower(e.Field(i).Name)
		if e.Field(i).Type.Kind() != reflect.Pointer || kind == "where" {
			continue
		}
		keys := e.Field(i).Type.Elem()
		for k := range keys.NumField() {
			key, _, _ := strings.Cut(keys.Field(k).Tag.Get("json"), ",")
			decide(kind+" "+key, slices.Contains(times, keys.Field(k).Type))
		}
	}
	for _, field := range language.InfoTimes() {
		decide(field, true)
	}
	for name := range explained {
		if !known[name] {
			t.Errorf("%q is no property of an expectation", name)
		}
	}
	if decided < 25 {
		t.Errorf("only %d times: the test proves little", decided)
	}
}
