package actor

import (
	"errors"
	"reflect"
	"time"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// performer does an operation on a thread.
type performer struct {
	// takes is the type of the operation.
	takes reflect.Type
	do    func(t *thread, step *language.Step, op language.Operation, o *outcome)
}

func by[O language.Operation](do func(t *thread, step *language.Step, op O, o *outcome)) performer {
	return performer{
		takes: reflect.TypeFor[O](),
		do: func(t *thread, step *language.Step, op language.Operation, o *outcome) {
			do(t, step, op.(O), o)
		},
	}
}

// performers returns the performer of each operation by its key, except those that the lab performs
// ([language.ByLab]). It is a function because a variable would depend on itself: steps nest.
func performers() map[string]performer {
	return map[string]performer{
		"socket":     by((*thread).socket),
		"setsockopt": by((*thread).setsockopt),
		"bind":       by((*thread).bind),
		"listen":     by((*thread).listen),
		"accept":     by((*thread).accept),
		"connect":    by((*thread).connect),
		"send":       by((*thread).send),
		"recv":       by((*thread).recv),
		"sendto":     by((*thread).sendto),
		"recvfrom":   by((*thread).recvfrom),
		"segment":    by((*thread).segment),
		"flood":      by((*thread).flood),
		"poll":       by((*thread).poll),
		"shutdown":   by((*thread).shutdown),
		"close":      by((*thread).close),
		"getsockopt": by((*thread).getsockopt),
		"tcp_info":   by((*thread).tcpInfo),
		"sockstat":   by((*thread).sockstat),
		"sleep":      by((*thread).sleep),
		"signal":     by((*thread).signal),
		"wait":       by((*thread).wait),
		"exec":       by((*thread).exec),
		"start":      by((*thread).start),
		"limit":      by((*thread).limit),
		"repeat":     by((*thread).repeat),
		"parallel":   by((*thread).parallel),
	}
}

// perform does the operation of a step.
func (t *thread) perform(step *language.Step, o *outcome) {
	op := step.Op.Operation()
	if lab, ok := op.(language.ByLab); ok {
		t.request(&Request{Op: lab.AtHost(t.Host)}, o)
		return
	}
	p, ok := t.performers[step.Op.Kind()]
	if !ok {
		o.problem(errors.New("the step has no operation"))
		return
	}
	p.do(t, step, op, o)
}

func (t *thread) sleep(_ *language.Step, op *language.Sleep, o *outcome) {
	o.call(func() (int, error) { return 0, sleep(time.Duration(op.For)) })
}

func (t *thread) signal(_ *language.Step, op *language.Signal, o *outcome) {
	o.begin()
	t.emit(&trace.Event{T: t.Clock.Now(), Signal: &trace.Signal{Actor: t.Actor, Name: op.Name}})
}
