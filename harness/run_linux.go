package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"halfopen/internal/codec"

	"halfopen/harness/internal/sandbox"
	"halfopen/harness/trace"
	"halfopen/internal/kernel"
	"halfopen/scenarios/language"
)

// Run makes a scenario's lab, runs its actors to their end or to the scenario's deadline, and
// returns the trace. The lab is gone when Run returns. A canceled context ends the run early: the
// trace then ends with the reason [trace.EndCanceled], and the error is the context's. A lab that
// does not keep the deadline, or does not answer, is killed, and the error says what it was doing. A
// *inject.MissingError says what this machine lacks.
func Run(ctx context.Context, s *language.Scenario, o Options) (*trace.Trace, error) {
	return runWithin(ctx, s, o, usual)
}

func runWithin(
	ctx context.Context, s *language.Scenario, o Options, within limits,
) (*trace.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !mainCalled.Load() {
		return nil, errors.New("the program must call harness.Main, or suite.Main, first thing in its main function: labs are this program, started again")
	}
	source, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encoding the scenario: %w", err)
	}
	eyes := newTracepoints(o.NoTracepoints)
	clock := trace.NewClock()
	eyes.clock = clock
	asked := newCalls(s, clock, o.NoTracepoints)
	defer asked.stop()
	var more []*os.File
	if o.Logs != "" {
		logs, err := os.OpenFile(o.Logs, unix.O_DIRECTORY, 0)
		if err != nil {
			return nil, err
		}
		defer logs.Close()
		more = append(more, logs)
	}
	ids, err := otherIDs(s)
	if err != nil {
		return nil, err
	}
	start := func(ids *sandbox.Subordinate) (*labProcess, error) {
		return startLab(titled(roleLab, s.ID()), newKeeper(within, s.DeadlineOrDefault(), time.Now()), ids, more...)
	}
	var lab *labProcess
	if o.Hold != HoldNever && ids == nil {
		// People run programs that change their user, such as tcpdump, if there are other users.
		if others, _ := sandbox.FindSubordinate(); others != nil {
			lab, _ = start(others)
		}
	}
	if lab == nil {
		lab, err = start(ids)
	}
	if err != nil {
		return nil, err
	}
	defer lab.pipes.closeHere()
	go lab.keep(ctx)

	t := &trace.Trace{}
	err = lab.order(&order{Job: &job{
		Scenario: s, Source: source, Clock: clock, Seed: o.Seed, Dir: s.Dir, Writable: o.Writable,
		Logs: o.Logs != "",
		Hold: o.Hold, Off: o.Off,
		Keep: o.Keep != nil,
	}})
	if err == nil {
		c := collector{
			lab: lab, kernel: eyes, states: newStateWatches(s), calls: asked, clock: clock, trace: t,
			emit: o.Emit, keep: o.Keep != nil, forget: o.Forget, most: mostPackets,
		}
		if o.Opened != nil {
			c.opened = func() { o.Opened(lab.open(s)) }
		}
		c.reasons = slices.ContainsFunc(s.Expect,
			func(e language.Expectation) bool { return e.Drops != nil })
		err = c.collect()
	}
	if err != nil {
		lab.kill()
	}
	t.Sort()
	end, _ := t.End()
	if end != nil && err == nil && ctx.Err() == nil && o.Complete != nil {
		o.Complete(t)
	}
	if o.Keep != nil {
		if end != nil && err == nil && ctx.Err() == nil {
			lab.keeper.hold(time.Now())
			o.Keep(ctx)
		}
		_ = lab.control.Close() // a canceled run has closed it already
	}
	status, waitErr := lab.end()
	words := <-lab.words
	switch {
	case ctx.Err() != nil:
		return t, ctx.Err()
	case end == nil && lab.late != nil:
		return t, fmt.Errorf("the lab of %s was killed: %w%s", s.ID(), lab.late, words)
	case errors.Is(err, errDied):
		return t, fmt.Errorf("%w%s", err, cmp.Or(words, guess))
	case cmp.Or(err, waitErr) != nil:
		return t, cmp.Or(err, waitErr)
	case end == nil:
		return t, fmt.Errorf("the lab of %s died before its end (%s)%s", s.ID(), describe(status), words)
	}
	return t, nil
}

// guess is why a process of the lab may have died that said nothing.
const guess = ": a program of the scenario, or this machine for lack of memory"

// labProcess is a lab as seen by the process that started it.
type labProcess struct {
	*sandbox.Process
	pipes pipes
	// control takes orders; its end cancels the run. events brings the lab's messages.
	control, events *os.File
	// ordering is held while an order is written.
	ordering sync.Mutex
	// words brings the lab's standard error, once nobody holds it open any more.
	words chan string
	// held is closed when the lab is held.
	held chan struct{}
	// ended is closed when the process has ended, kept when keep has returned.
	ended, kept chan struct{}
	keeper      *keeper
	// late says what the lab did not do in time; nil if it kept its limits. It belongs to keep until
	// kept is closed.
	late error
	// immortal is closed if not even SIGKILL ends the process.
	immortal chan struct{}
}

// The descriptors of the lab with its orders, and with the folder of [Options.Logs], the first of those
// that startLab adds.
const (
	controlFD = 3
	logsFD    = 5
)

// startLab starts this program again in the namespaces of a lab, with its role, other user IDs and more
// descriptors. The caller must start keep.
func startLab(
	role string, k *keeper, ids *sandbox.Subordinate, more ...*os.File,
) (*labProcess, error) {
	l := &labProcess{
		words: make(chan string, 1), ended: make(chan struct{}), kept: make(chan struct{}), keeper: k,
		immortal: make(chan struct{}), held: make(chan struct{}),
	}
	control, events, stderr := l.pipes.to("lab's control"), l.pipes.from("lab's event"), l.pipes.from("lab's error")
	err := l.pipes.err
	if err == nil {
		l.Process, err = sandbox.Start(role, ids, stderr.there,
			append([]*os.File{control.there, events.there}, more...)...)
	}
	l.pipes.closeThere()
	if err != nil {
		l.pipes.closeHere()
		return nil, err
	}
	l.control, l.events = control.here, events.here
	go func() { l.words <- lastWords(stderr.here) }()
	return l, nil
}

// end waits for the end of the process and of keep, and reaps the process last: until then a kill
// cannot hit another process that got the PID. From now on nothing is expected of the lab but its end.
func (l *labProcess) end() (syscall.WaitStatus, error) {
	l.keeper.rest(time.Now())
	err := l.Await(l.immortal)
	close(l.ended)
	<-l.kept
	if errors.Is(err, sandbox.ErrImmortal) {
		return 0, fmt.Errorf("process %d, a lab, does not end although it was killed; "+
			"\"ps -o stat,wchan %d\" shows where the kernel keeps it", l.PID, l.PID)
	}
	status, waitErr := l.Wait()
	return status, cmp.Or(err, waitErr)
}

func (l *labProcess) kill() {
	_ = l.Signal(syscall.SIGKILL) // the only error is that it has ended already
}

// order sends the lab an order. A lab that died before it read the order says why on its other
// pipes. Nor is it an error if the run was canceled.
func (l *labProcess) order(o *order, files ...*os.File) error {
	l.ordering.Lock()
	defer l.ordering.Unlock()
	o.Files = len(files)
	err := codec.NewEncoder(&filesWriter{l.control, files}).Encode(o)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// open returns the lab for people.
func (l *labProcess) open(s *language.Scenario) *Lab {
	var hosts []string
	for i := range s.Hosts {
		hosts = append(hosts, s.Hosts[i].Name)
	}
	return &Lab{
		Hosts: hosts, Held: l.held,
		pass: func(request []byte, files []*os.File) error {
			return l.order(&order{Visit: request}, files...)
		},
		release: func() error {
			err := l.order(&order{Release: true})
			l.keeper.release(time.Now())
			return err
		},
	}
}

// lastWords returns the first 4 kB of a lab's standard error: the beginning of a panic says most.
func lastWords(r io.Reader) string {
	const most = 4096
	var buf bytes.Buffer
	_, _ = io.Copy(&buf, io.LimitReader(r, 1<<20)) // on an error, the part read so far has to do
	_, _ = io.Copy(io.Discard, r)
	text := strings.TrimSpace(buf.String())
	if text == "" {
		return ""
	}
	// The Go runtime gives up where it gets no thread; its traceback says nothing more.
	if strings.Contains(text, "pthread_create failed") || strings.Contains(text, "failed to create new OS thread") {
		return ": it got no thread; " + kernel.MoreProcesses
	}
	if len(text) > most {
		text = text[:most] + "\n..."
	}
	return ":\n" + text
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "killed by SIG" + signalName(status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
