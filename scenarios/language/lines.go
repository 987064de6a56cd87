package language

import "halfopen/internal/code"

// Lines selects lines that a program prints.
type Lines struct {
	Log      StepRef `json:"log" jsonschema_description:"The program: ACTOR.STEP of a step start or exec; ACTOR.STEP[N] is one of its executions."`
	Contains *string `json:"contains,omitempty" jsonschema_description:"Lines that contain this."`
	Matches  *string `json:"matches,omitempty" jsonschema_description:"Lines with a match of this regular expression (RE2)."`
	Stream   string  `json:"stream,omitempty" jsonschema:"enum=stdout,enum=stderr" jsonschema_description:"Only lines of this output: stdout or stderr. Default: of both."`
}

// Text returns how the lines must be.
func (l *Lines) Text() *Text { return &Text{Contains: l.Contains, Matches: l.Matches} }

// Of reports whether lines of an output of the nth execution of the step count.
func (l *Lines) Of(n int, stream string) bool {
	_, _, nth := l.Log.Split()
	return (nth == 0 || nth == n) && (l.Stream == "" || l.Stream == stream)
}

func (l *Lines) check(v *validation, pos Pos) {
	v.programRef(&l.Log, pos, l.Log)
	switch oneOfCount(l.Contains, l.Matches) {
	case 1:
		v.text(l.Text(), pos)
	default:
		v.errorf(code.MissingKey, &l.Log, pos, "log: want one of contains and matches")
	}
}

// how says how the lines are: `containing "x" on stderr`.
func (l *Lines) how() string {
	if l.Stream == "" {
		return l.Text().String()
	}
	return l.Text().String() + " on " + l.Stream
}
