package inject

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

// An error of a lab or a guest must be the same error for the process that started it.
func TestMissingErrorsPassThroughPipes(t *testing.T) {
	full := &MissingError{
		Feature: "sch_netem", OfKernel: true, Is: "asleep", NeededBy: `fault "slow-link"`, Remedy: "load it", Near: "sch_fq",
		Err: errors.New("no such file"),
	}
	v := reflect.ValueOf(*full)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the test does not set %s", v.Type().Field(i).Name)
		}
	}
	for _, want := range []*MissingError{full, {Feature: "CAP_NET_ADMIN"}} {
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got MissingError
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(&got, want) {
			t.Errorf("%#v became %#v; JSON: %s", want, &got, data)
		}
	}
}
