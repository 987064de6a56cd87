package language

import (
	"fmt"
	"reflect"
	"strings"

	"halfopen/internal/say"
)

// Step is one operation of an actor. Its outcome is recorded, whatever it is; expectations judge
// it.
type Step struct {
	// ID names the step in references (actor.id). The loader fills it in: the operation's name for
	// the first step of that operation in its actor, in document order, then connect2, connect3 and
	// so on.
	ID     string   `json:"id,omitempty" jsonschema_description:"Name of the step, for references: actor.id. Default: the operation, then connect2, connect3, ..."`
	Socket string   `json:"socket_name,omitempty" yaml:"socket" jsonschema_description:"Beside an operation: the socket it works on, by name. Default: the last one made that fits."`
	After  EventRef `json:"after,omitempty" jsonschema_description:"Wait for this event before the step."`
	Times  int      `json:"times,omitempty" jsonschema_description:"Do it this many times, 1 to 100000."`
	Only   Names    `json:"only,omitempty" jsonschema_description:"Only in these cases or IP families."`
	Op     Op       `json:"op" yaml:",inline"`
	Pos    Pos      `json:"pos,omitzero" yaml:"-"`
}

func (v *validation) step(a *Actor, st *Step, made *socketsMade) {
	if !stepName.MatchString(st.ID) || len(st.ID) > 64 {
		v.errorf(&st.ID, st.Pos, "%q is no id for a step: want lower-case letters, digits, - and _", say.Clip(st.ID))
	}
	if v.has(&st.Socket) && !stepName.MatchString(st.Socket) {
		v.errorf(&st.Socket, st.Pos, "%q is no name for a socket: want lower-case letters, digits, - and _", say.Clip(st.Socket))
	}
	if v.has(&st.Times) && (st.Times < 1 || st.Times > maxTimes) {
		v.errorf(&st.Times, st.Pos, "times: %d is outside 1 to %d", st.Times, maxTimes)
	}
	v.awaits(a, st, &st.After)
	op := st.Op.Operation()
	if op == nil {
		return
	}
	op.check(v, a, st)
	op.sockets(v, st, made)
	lists, _ := st.Op.Nested()
	for _, list := range lists {
		v.steplist(a, list, made)
	}
}

// String writes the step as the scenario language does, with the name that references have for it
// if that is not its operation's: "connect: {to: server:8080}, id connect2".
func (s *Step) String() string {
	key, op := chosen[Operation](&s.Op)
	text := key
	if w, ok := op.(worded); ok {
		text = w.words()
	} else if op != nil {
		if value := flowOf(reflect.ValueOf(op)); value != "{}" {
			text += ": " + value
		}
	}
	if s.Socket != "" {
		text += ", on " + s.Socket
	}
	if s.After != "" {
		text += ", after " + string(s.After)
	}
	if s.Times > 1 {
		text += fmt.Sprintf(", %d times", s.Times)
	}
	if s.ID != "" && s.ID != key {
		text += ", id " + s.ID
	}
	return text
}

func stepsWords(steps []Step) string {
	words := make([]string, len(steps))
	for i := range steps {
		words[i] = steps[i].String()
	}
	return strings.Join(words, "; ")
}
