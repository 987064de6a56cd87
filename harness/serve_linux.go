package harness

import (
	"errors"
	"fmt"
	"reflect"
	"syscall"

	"golang.org/x/sys/unix"

	"halfopen/harness/internal/actor"
	"halfopen/inject"
	"halfopen/scenarios/language"
)

// service does an operation for an actor, and answers it, at once or later.
type service struct {
	// takes is the type that do accepts.
	takes reflect.Type
	do    func(l *lab, from *member, op language.Operation, answer func(actor.Reply))
}

// by is a service that answers at once. text is the operation's result, "" without one.
func by[O language.Operation](do func(l *lab, op O) (text string, err error)) service {
	return later(func(l *lab, _ *member, op O, answer func(actor.Reply)) {
		text, err := do(l, op)
		reply := failed(err)
		reply.Text = text
		answer(reply)
	})
}

// later is a service that may answer later.
func later[O language.Operation](
	do func(l *lab, from *member, op O, answer func(actor.Reply)),
) service {
	return service{
		takes: reflect.TypeFor[O](),
		do: func(l *lab, from *member, op language.Operation, answer func(actor.Reply)) {
			do(l, from, op.(O), answer)
		},
	}
}

// failed returns the reply that says with which error an operation ended; nil is success.
func failed(err error) actor.Reply {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return actor.Reply{Errno: unix.ErrnoName(errno)}
	case err != nil:
		return actor.Reply{Problem: err.Error()}
	}
	return actor.Reply{}
}

// services are the operations that the lab does for actors ([language.ByLab]), by key.
var services = map[string]service{
	"kill": later((*lab).killStep),
	"stop": later(func(l *lab, _ *member, op *language.Stop, answer func(actor.Reply)) {
		l.stopStep(op, answer)
	}),
	"blocked": by((*lab).blocked),
	"sysctl":  by((*lab).setSysctls),
	"link":    by((*lab).setLink),
}

// serve does an operation that the actor, from, cannot do itself.
func (l *lab) serve(from *member, r *actor.Request, answer func(actor.Reply)) {
	s, ok := services[r.Kind()]
	if !ok {
		answer(actor.Reply{
			Problem: fmt.Sprintf("the lab does not know the operation %q", r.Kind()),
		})
		return
	}
	s.do(l, from, r.Operation(), answer)
}

// setSysctls sets kernel parameters of a host in order and stops at the first error. Optional ones
// that the kernel does not have are passed over.
func (l *lab) setSysctls(op *language.SysctlOp) (string, error) {
	for _, s := range op.Set {
		err := l.net.SetSysctl(op.Host, s.Name, s.Value)
		var lacking *inject.MissingError
		if err != nil && !(s.Optional && errors.As(err, &lacking)) {
			return "", err
		}
	}
	return "", nil
}

func (l *lab) setLink(op *language.LinkOp) (string, error) {
	return "", l.net.SetLink(op.Host, op.State == "up")
}
