package actor

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/harness/trace"
	"halfopen/scenarios/language"
)

// thread runs steps in order, on one OS thread: the actor's main thread, or that of a branch of a parallel step.
type thread struct {
	*session
	// parent is the thread whose parallel step this is a branch of; nil for the main thread.
	parent *thread
	tid    int
	// mask is the signal mask that programs are started with: the process' own.
	mask   unix.Sigset_t
	buffer []byte // for receiving; made when first needed
}

// newThread makes the calling goroutine's OS thread into one for steps. It is never given back to the runtime: it dies
// with the goroutine, and its signal mask with it.
func (s *session) newThread(parent *thread) *thread {
	runtime.LockOSThread()
	return &thread{session: s, parent: parent, tid: unix.Gettid(), mask: maskSignals()}
}

// run does steps in order, whatever the outcome of each.
func (t *thread) run(steps []language.Step) {
	for i := range steps {
		step := &steps[i]
		if step.After != "" {
			<-t.events.seen(step.After)
		}
		for range max(step.Times, 1) {
			t.execute(step)
		}
	}
}

// execute does a step once and reports its start and its outcome.
func (t *thread) execute(step *language.Step) {
	n, kind := t.execution(step.ID), step.Op.Kind()
	t.emit(&trace.Event{
		T:     t.Clock.Now(),
		Start: &trace.Start{Actor: t.Actor, Step: step.ID, Op: kind, N: n, TID: t.tid},
	})
	o := &outcome{clock: t.Clock, Step: trace.Step{Actor: t.Actor, ID: step.ID, Op: kind, N: n}}
	o.Began = t.Clock.Now()
	t.perform(step, o)
	if o.ended == 0 {
		o.ended = t.Clock.Now()
	}
	t.emit(&trace.Event{T: o.ended, Step: &o.Step})
}

// perform does the operation of a step.
func (t *thread) perform(step *language.Step, o *outcome) {
	switch op := &step.Op; {
	case op.Socket != nil:
		t.socket(step, op.Socket, o)
	case op.Setsockopt != nil:
		t.setsockopt(step, op.Setsockopt, o)
	case op.Bind != nil:
		t.bind(step, op.Bind, o)
	case op.Listen != nil:
		t.listen(step, op.Listen, o)
	case op.Accept != nil:
		t.accept(step, op.Accept, o)
	case op.Connect != nil:
		t.connect(step, op.Connect, o)
	case op.Send != nil:
		t.send(step, op.Send, o)
	case op.Recv != nil:
		t.recv(step, op.Recv, o)
	case op.Sendto != nil:
		t.sendto(step, op.Sendto, o)
	case op.Recvfrom != nil:
		t.recvfrom(step, op.Recvfrom, o)
	case op.Segment != nil:
		t.segment(step, op.Segment, o)
	case op.Flood != nil:
		t.flood(op.Flood, o)
	case op.Poll != nil:
		t.poll(step, op.Poll, o)
	case op.Shutdown != nil:
		t.shutdown(step, op.Shutdown, o)
	case op.Close != nil:
		t.close(step, o)
	case op.Getsockopt != nil:
		t.getsockopt(step, op.Getsockopt, o)
	case op.TCPInfo != nil:
		t.tcpInfo(step, o)
	case op.Sockstat != nil:
		t.sockstat(o)
	case op.Sleep != nil:
		o.call(func() (int, error) { return 0, sleep(time.Duration(op.Sleep.For)) })
	case op.Signal != nil:
		t.emit(&trace.Event{T: t.Clock.Now(), Signal: &trace.Signal{Actor: t.Actor, Name: op.Signal.Name}})
	case op.Wait != nil:
		t.wait(op.Wait, o)
	case op.Exec != nil:
		t.exec(op.Exec, o)
	case op.Kill != nil:
		t.request(&Request{Kill: op.Kill}, o)
	case op.Blocked != nil:
		t.request(&Request{Blocked: op.Blocked}, o)
	case op.Sysctl != nil:
		t.request(&Request{Sysctl: &language.SysctlOp{Host: t.hostOr(op.Sysctl.Host), Set: op.Sysctl.Set}}, o)
	case op.Limit != nil:
		o.call(func() (int, error) { return 0, limitFiles(op.Limit.Nofile) })
	case op.Link != nil:
		t.request(&Request{Link: &language.LinkOp{Host: t.hostOr(op.Link.Host), State: op.Link.State}}, o)
	case op.Repeat != nil:
		for range op.Repeat.Times {
			t.run(op.Repeat.Steps)
			o.Result++
		}
	case op.Parallel != nil:
		t.parallel(op.Parallel, o)
	default:
		o.problem(fmt.Errorf("the step has no operation"))
	}
}
