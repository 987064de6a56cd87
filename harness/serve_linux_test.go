package harness

import (
	"maps"
	"reflect"
	"testing"

	"halfopen/harness/internal/actor"
	"halfopen/scenarios/language"
)

func TestTheLabServesEveryOperationOfItsOwn(t *testing.T) {
	left := maps.Clone(services)
	for key, op := range language.Operations() {
		s, here := left[key]
		delete(left, key)
		_, byLab := op.(language.ByLab)
		switch {
		case byLab != here:
			t.Errorf("%s is a language.ByLab: %t; it has a row in services: %t", key, byLab, here)
		case here && s.takes != reflect.TypeOf(op):
			t.Errorf("the service for %s takes a %v, want a %T", key, s.takes, op)
		}
	}
	for key := range left {
		t.Errorf("unknown operation %q", key)
	}
}

func TestTheLabRefusesWhatItDoesNotKnow(t *testing.T) {
	l := &lab{}
	for _, tt := range []struct {
		op   language.Op
		want string
	}{
		{language.Op{}, `the lab does not know the operation ""`},
		{language.Op{Close: &language.Close{}}, `the lab does not know the operation "close"`},
		{language.Op{Kill: &language.Kill{Actor: "nobody"}}, `unknown actor "nobody"`},
	} {
		var reply actor.Reply
		l.serve(nil, &actor.Request{ID: 3, Op: tt.op}, func(r actor.Reply) { reply = r })
		if reply.Problem != tt.want {
			t.Errorf("serve() = %+v, want the problem %q", reply, tt.want)
		}
	}
}
