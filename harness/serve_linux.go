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

// service does an operation for an actor. text is the operation's result, "" without one.
type service struct {
	// takes is the type that do accepts.
	takes reflect.Type
	do    func(l *lab, op language.Operation) (text string, err error)
}

func by[O language.Operation](do func(l *lab, op O) (text string, err error)) service {
	return service{
		takes: reflect.TypeFor[O](),
		do:    func(l *lab, op language.Operation) (string, error) { return do(l, op.(O)) },
	}
}

// services are the operations that the lab does for actors ([language.ByLab]), by key.
var services = map[string]service{
	"kill":    by(func(l *lab, op *language.Kill) (string, error) { return "", l.kill(op) }),
	"blocked": by((*lab).blocked),
	"sysctl":  by((*lab).setSysctls),
	"link":    by((*lab).setLink),
}

// serve does an operation that the actor cannot do itself.
func (l *lab) serve(r *actor.Request) actor.Reply {
	reply := actor.Reply{ID: r.ID}
	s, ok := services[r.Kind()]
	if !ok {
		reply.Problem = fmt.Sprintf("the lab does not know the operation %q", r.Kind())
		return reply
	}
	text, err := s.do(l, r.Operation())
	reply.Text = text
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		reply.Errno = unix.ErrnoName(errno)
	case err != nil:
		reply.Problem = err.Error()
	}
	return reply
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
