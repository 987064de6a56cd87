package language

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"halfopen/internal/code"
	"halfopen/internal/say"
)

// StepExpectation judges the outcome of a step. If the step has several executions, it judges all
// of them, or the one that the reference picks (client.connect[3]).
type StepExpectation struct {
	Step   StepRef   `json:"step" jsonschema_description:"The step: ACTOR.STEP for all its executions, ACTOR.STEP[N] for the Nth."`
	Error  Errno     `json:"error,omitempty" jsonschema_description:"Name of the errno, such as ETIMEDOUT, or none. Default: none, unless other keys allow an error."`
	Took   *Span     `json:"took,omitempty" jsonschema_description:"Duration of the step."`
	At     *Span     `json:"at,omitempty" jsonschema_description:"When it ended, counted from since."`
	Since  EventRef  `json:"since,omitempty" jsonschema_description:"The event that at is counted from. Default: the start of the actors."`
	Result *Count    `json:"result,omitempty" jsonschema_description:"Return value of the system call."`
	Bytes  *Count    `json:"bytes,omitempty" jsonschema_description:"Number of bytes moved by the whole step."`
	Value  *Text     `json:"value,omitempty" jsonschema_description:"Of getsockopt: the value of the option. Of poll: the events, such as out,err,hup."`
	Values []InfoVal `json:"values,omitempty" jsonschema_description:"Of tcp_info: its fields, as in struct tcp_info; state and ca_state may be names, times durations. Of sockstat: its counts."`
	Text   *Text     `json:"text,omitempty" jsonschema_description:"The bytes received, as text, the first 4096; of blocked, the names of system calls, separated by blanks."`
	SHA256 *Text     `json:"sha256,omitempty" jsonschema_description:"SHA-256 of all bytes received, in hex."`
	Peer   string    `json:"peer,omitempty" jsonschema_description:"Where the datagram of recvfrom, or the connection of accept, came from: HOST, HOST.N or HOST:PORT."`
	Count  *Count    `json:"count,omitempty" jsonschema_description:"How many executions ended like this. Default: all."`
	Hangs  bool      `json:"hangs,omitempty" jsonschema_description:"true: the step had not ended when the run did (at its duration if set, else at its deadline), or when its process was killed."`
}

func (e *StepExpectation) check(v *validation, pos Pos) {
	actor, id, n := e.Step.Split()
	if actor == "" {
		v.errorf(code.InvalidName, &e.Step, pos,
			"invalid step %q: want ACTOR.STEP or ACTOR.STEP[N]",
			say.Clip(string(e.Step)))
		return
	}
	st := v.stepRef(&e.Step, pos, actor, id, n)
	v.since(&e.Since, e.At != nil, pos)
	v.count(e.Count, "count", pos)
	v.count(e.Bytes, "bytes", pos)
	if e.Text != nil {
		v.text(e.Text, pos)
	}
	if e.SHA256 != nil {
		v.text(e.SHA256, pos)
	}
	if e.Value != nil {
		v.text(e.Value, pos)
	}
	outcome := *e
	outcome.Step, outcome.Hangs, outcome.Count, outcome.Since = "", false, nil, ""
	if e.Hangs && !reflect.ValueOf(outcome).IsZero() {
		v.errorf(code.Contradiction, &e.Hangs, pos,
			"a step that hangs has no outcome; remove hangs, or all other keys but count")
	}
	if e.Count != nil && n > 0 {
		v.errorf(code.Contradiction, e.Count, pos,
			"count needs a step without [N], but %s is one execution", e.Step)
	}
	if e.Result != nil && e.Result.Max < 0 && e.Error == NoError {
		v.errorf(code.Contradiction, e.Result, pos,
			"invalid result %q: want 0 or more, because error is none", e.Result)
	}
	if e.Result != nil && e.Result.Min >= 0 && e.Error != "" && e.Error != NoError {
		v.errorf(code.Contradiction, e.Result, pos,
			"invalid result %q: want -1, because an error is expected", e.Result)
	}
	if e.Peer != "" {
		v.peer(&e.Peer, pos, e.Peer)
	}
	named := valued(&TCPInfo{})
	if st != nil {
		if op, ok := st.Op.Operation().(valued); ok {
			named = op
		}
		v.outcomes(e, &st.Op, pos)
	}
	what, known := named.valueNames()
	for i := range e.Values {
		v.infoField(&e.Values[i].Name, pos, what, known)
	}
}

// ExpectsError reports whether an expectation is about the failure of a step: the errno is then what
// the scenario is about.
func (s *Scenario) ExpectsError(actor, id string) bool {
	for i := range s.Expect {
		e := s.Expect[i].Step
		if e == nil {
			continue
		}
		if a, step, _ := e.Step.Split(); a != actor || step != id {
			continue
		}
		if e.Error != "" && e.Error != NoError || e.Result != nil && e.Result.Min < 0 {
			return true
		}
	}
	return false
}

// outcomes checks that the operation has each outcome that the expectation judges.
func (v *validation) outcomes(e *StepExpectation, op *Op, pos Pos) {
	kind := op.Kind()
	for _, judged := range []struct {
		outcome Outcome
		field   any
		given   bool
	}{
		{OutcomeValue, e.Value, e.Value != nil},
		{OutcomeValues, &e.Values, len(e.Values) > 0},
		{OutcomeText, e.Text, e.Text != nil},
		{OutcomeSHA256, e.SHA256, e.SHA256 != nil},
		{OutcomeBytes, e.Bytes, e.Bytes != nil},
		{OutcomePeer, &e.Peer, e.Peer != ""},
	} {
		if judged.given && !op.Has(judged.outcome) {
			of := say.List(operationsWith(judged.outcome))
			v.errorf(code.WrongStep, judged.field, pos,
				"%s: not an outcome of %s, only of %s", judged.outcome,
				kind, of)
		}
	}
	if e.Result != nil && !op.Has(OutcomeResult) {
		v.errorf(code.WrongStep, e.Result, pos,
			"result: %s makes no system call to judge; use the expectation process, with exit",
			kind)
	}
}

// peer checks HOST, HOST.N or HOST:PORT.
func (v *validation) peer(field *string, pos Pos, peer string) {
	if strings.Contains(peer, ":") {
		v.target(field, pos, peer)
		return
	}
	v.address(field, pos, peer)
}

// MayFail reports whether the step may end with any error: if no error is named, and result names -1
// or less as a bound. "<= 5" does not: it is about what a call returns if it succeeds.
func (e *StepExpectation) MayFail() bool {
	return e.Error == "" && e.Result != nil && e.Result.Contains(-1) &&
		(e.Result.Min != math.MinInt64 || e.Result.Max < 0)
}

// String is the title of its verdict: "client.connect: ETIMEDOUT after 63s".
func (e *StepExpectation) String() string {
	if e.Hangs {
		title := string(e.Step) + ": still in progress at the end"
		if e.Count != nil {
			title += ", " + e.Count.Of("time")
		}
		return title
	}
	end := ""
	switch {
	case e.Error != "" && e.Error != NoError:
		end = string(e.Error)
	case !e.MayFail():
		end = "succeeds"
	}
	if e.Took != nil {
		end = strings.TrimSpace(end + " after " + e.Took.Source)
	}
	var parts []string
	if end != "" {
		parts = append(parts, end)
	}
	if e.At != nil {
		parts = append(parts, fmt.Sprintf("at %s since %s", e.At.Source, cmp.Or(string(e.Since),
			"the start")))
	}
	if e.Result != nil {
		parts = append(parts, "result "+e.Result.String())
	}
	if e.Bytes != nil {
		parts = append(parts, e.Bytes.Of("byte"))
	}
	for _, text := range []struct {
		key  string
		want *Text
	}{{"value", e.Value}, {"text", e.Text}, {"sha256", e.SHA256}} {
		if text.want != nil {
			parts = append(parts, text.key+" "+text.want.String())
		}
	}
	for i := range e.Values {
		parts = append(parts, e.Values[i].String())
	}
	if e.Peer != "" {
		parts = append(parts, "peer "+e.Peer)
	}
	if e.Count != nil {
		parts = append(parts, e.Count.Of("time"))
	}
	return string(e.Step) + ": " + strings.Join(parts, ", ")
}

func (e *StepExpectation) lasts(latest bool) time.Duration { return lastsOf(e.At, latest) }

func (e *StepExpectation) begins() EventRef { return e.Since }

func (e *StepExpectation) observed() bool { return false }

func (e *StepExpectation) sampledAt() []EventRef { return nil }

// MayHang reports whether an expectation says that a step hangs, or a step in it, such as one of a
// repeat. Only expectations count whose condition is met.
func (s *Scenario) MayHang(step StepRef, met func(*Where) bool) bool {
	actor, id, n := step.Split()
	for i := range s.Expect {
		e := &s.Expect[i]
		if e.Step == nil || !e.Step.Hangs || e.Where != nil && !met(e.Where) {
			continue
		}
		wantActor, wantID, wantN := e.Step.Step.Split()
		if wantActor != actor {
			continue
		}
		if wantID == id && (wantN == 0 || n == 0 || wantN == n) || s.encloses(actor, id, wantID) {
			return true
		}
	}
	return false
}

// encloses reports whether the step outer of an actor is around the step inner.
func (s *Scenario) encloses(actor, outer, inner string) bool {
	a := s.Actor(actor)
	if a == nil {
		return false
	}
	found := false
	EachStep(a.Steps, func(st *Step) {
		if st.ID != outer {
			return
		}
		lists, _ := st.Op.Nested()
		EachStep(slices.Concat(lists...), func(st *Step) { found = found || st.ID == inner })
	})
	return found
}
