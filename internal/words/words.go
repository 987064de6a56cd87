// Package words says parts of scenarios in plain words, on one line, for lists and plans.
package words

import (
	"fmt"
	"reflect"
	"strings"

	"halfopen/scenarios/language"
)

// Step writes a step as the scenario language does, with the name that references have for it if that is not its operation's:
// "connect: {to: server:8080}, id connect2".
func Step(st *language.Step) string {
	var text string
	switch op := &st.Op; {
	case op.Repeat != nil:
		text = fmt.Sprintf("repeat %d times: %s", op.Repeat.Times, stepsWords(op.Repeat.Steps))
	case op.Parallel != nil:
		branches := make([]string, len(op.Parallel.Branches))
		for i, b := range op.Parallel.Branches {
			branches[i] = "(" + stepsWords(b) + ")"
		}
		text = "at once: " + strings.Join(branches, " and ")
	default:
		v := reflect.ValueOf(st.Op)
		for i := range v.NumField() {
			if !v.Field(i).IsNil() {
				text = op.Kind()
				if value := language.Flow(v.Field(i).Elem()); value != "{}" {
					text += ": " + value
				}
			}
		}
	}
	if st.Socket != "" {
		text += ", on " + st.Socket
	}
	if st.After != "" {
		text += ", after " + string(st.After)
	}
	if st.Times > 1 {
		text += fmt.Sprintf(", %d times", st.Times)
	}
	if st.ID != "" && st.ID != st.Op.Kind() {
		text += ", id " + st.ID
	}
	return text
}

func stepsWords(steps []language.Step) string {
	words := make([]string, len(steps))
	for i := range steps {
		words[i] = Step(&steps[i])
	}
	return strings.Join(words, "; ")
}
