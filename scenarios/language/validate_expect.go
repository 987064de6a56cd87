package language

import (
	"regexp"
	"slices"
	"strings"

	"halfopen/internal/say"
	"halfopen/internal/spell"
)

var counterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func (v *validation) expectation(e *Expectation) {
	pos := e.Pos
	if w := e.Where; w != nil {
		if (w.Sysctl == "") == (w.NoSysctl == "") {
			v.errorf(w, pos, "where: want one of sysctl and no-sysctl")
		}
		for _, name := range []*string{&w.Sysctl, &w.NoSysctl} {
			if *name != "" {
				v.sysctlName(name, pos, *name)
			}
		}
	}
	switch {
	case e.Step != nil:
		v.stepExpectation(e.Step, pos)
	case e.Process != nil:
		v.process(e.Process, pos)
	case e.Packets != nil:
		v.packets(e.Packets, pos)
	case e.Counters != nil:
		v.counters(e.Counters, pos)
	case e.Fault != nil:
		v.faultRef(&e.Fault.Fault, pos, e.Fault.Fault)
		v.count(&e.Fault.Hits, "hits", pos)
	case e.Reaches != nil:
		v.socketSelector(&e.Reaches.Reaches, pos)
		v.since(&e.Reaches.Since, e.Reaches.At != nil, pos)
	case e.Holds != nil:
		v.socketSelector(&e.Holds.Holds, pos)
		v.window(&e.Holds.From, &e.Holds.Until, pos)
	case e.Never != nil:
		v.socketSelector(&e.Never.Never, pos)
		v.window(&e.Never.From, &e.Never.Until, pos)
	case e.Path != nil:
		v.path(e.Path, pos)
	case e.Sockets != nil:
		v.socketsExpectation(e.Sockets, pos)
	}
}

func (v *validation) since(since *EventRef, at bool, pos Pos) {
	v.event(since, pos, *since)
	if v.has(since) && !at {
		v.errorf(since, pos, "since says from when at counts, but there is no at")
	}
}

// count refuses a range that no count can lie in.
func (v *validation) count(c *Count, key string, pos Pos) {
	if c != nil && c.Max < 0 {
		v.errorf(c, pos, "%s: %s is negative, and nothing is there less than 0 times", key, c)
	}
}

func (v *validation) errno(field *string, pos Pos, name string) {
	if name == "" && !v.has(field) || name == "none" {
		return
	}
	if proper, ok := errnoAliases[name]; ok {
		v.errorf(field, pos, "%s is %s on Linux; write that", name, proper)
		return
	}
	if names := errnoNames(); !slices.Contains(names, name) {
		v.errorf(field, pos, "unknown error %q%s; want the name of an errno, or none", say.Clip(name), spell.DidYouMean(name, names))
	}
}

func (v *validation) stepExpectation(e *StepExpectation, pos Pos) {
	actor, id, n := e.Step.Split()
	if actor == "" {
		v.errorf(&e.Step, pos, "%q names no step: want ACTOR.STEP or ACTOR.STEP[N]", say.Clip(string(e.Step)))
		return
	}
	st := v.stepRef(&e.Step, pos, actor, id, n)
	v.errno(&e.Error, pos, e.Error)
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
	if e.Hangs && (e.Error != "" || e.Took != nil || e.At != nil || e.Result != nil || e.Bytes != nil || e.Value != nil || len(e.Values) > 0 || e.Text != nil || e.SHA256 != nil || e.Peer != "") {
		v.errorf(&e.Hangs, pos, "a step that hangs has no outcome; only count can stand beside hangs")
	}
	if e.Count != nil && n > 0 {
		v.errorf(e.Count, pos, "%s is one execution; count is for all of them", e.Step)
	}
	if e.Result != nil && e.Result.Max < 0 && e.Error == "none" {
		v.errorf(e.Result, pos, "result: %s is that of an error, but error is none", e.Result)
	}
	if e.Result != nil && e.Result.Min >= 0 && e.Error != "" && e.Error != "none" {
		v.errorf(e.Result, pos, "result: an error comes with -1, not %s", e.Result)
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
		v.oneOf(&e.Values[i].Name, pos, what, e.Values[i].Name, known)
	}
}

// outcomes checks that an operation has the outcomes that are judged.
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
			v.errorf(judged.field, pos, "%s: %s has none; it is an outcome of %s", judged.outcome, kind, of)
		}
	}
	if e.Result != nil && !op.Has(OutcomeResult) {
		v.errorf(e.Result, pos, "result: %s makes no system call to judge; use the expectation process, with exit", kind)
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

func (v *validation) text(t *Text, pos Pos) {
	if t.Matches == nil {
		return
	}
	if _, err := regexp.Compile(*t.Matches); err != nil {
		v.errorf(t.Matches, pos, "matches: %v", err)
	}
}

func (v *validation) process(p *ProcessExpectation, pos Pos) {
	actor, id, n := StepRef(p.Process).Split()
	switch {
	case actor != "":
		if st := v.stepRef(&p.Process, pos, actor, id, n); st != nil && !st.Op.Has(OutcomeExit) {
			v.errorf(&p.Process, pos, "%s is %s, which is no process; want an exec step, or an actor", p.Process, st.Op.Kind())
		}
	case !slices.Contains(v.actors, p.Process):
		v.actorRef(&p.Process, pos, p.Process)
	case p.Stdout != nil || p.Stderr != nil:
		v.errorf(&p.Process, pos, "the actor %s itself prints nothing; stdout and stderr are of exec steps: %s.exec", p.Process, p.Process)
	}
	if p.Exit != nil && p.Signal != "" {
		v.errorf(&p.Signal, pos, "a process ended by a signal has no exit status; want one of exit and signal")
	}
	if p.Exit != nil && (p.Exit.Max < 0 || p.Exit.Min > 255) {
		v.errorf(p.Exit, pos, "exit: %s is outside 0 to 255", p.Exit)
	}
	if p.Signal != "" {
		v.oneOf(&p.Signal, pos, "signal", p.Signal, signalNames())
	}
	if p.Exit == nil && p.Signal == "" && p.Stdout == nil && p.Stderr == nil && p.Took == nil {
		v.errorf(&p.Process, pos, "nothing is expected of the process; want exit, signal, stdout, stderr or took")
	}
	for _, t := range []*Text{p.Stdout, p.Stderr} {
		if t != nil {
			v.text(t, pos)
		}
	}
}

func (v *validation) packets(p *PacketsExpectation, pos Pos) {
	v.selector(&p.Packets, pos)
	for i := range p.Sequence {
		v.selector(&p.Sequence[i], pos)
	}
	if p.SeenBy != "" {
		v.host(&p.SeenBy, pos, p.SeenBy, true)
	}
	v.window(&p.Since, &p.Until, pos)
	v.count(p.Count, "count", pos)
	if p.None && (p.Count != nil || len(p.Gaps) > 0 || len(p.At) > 0 || len(p.Sequence) > 0) {
		v.errorf(&p.None, pos, "none says that there are no packets; count, gaps, at and sequence cannot stand beside it")
	}
	if p.Count != nil && p.Count.Max == 0 && (len(p.Gaps) > 0 || len(p.At) > 0 || len(p.Sequence) > 0) {
		v.errorf(p.Count, pos, "count: 0 says that there are no packets; gaps, at and sequence cannot stand beside it")
	}
	if p.Count != nil && len(p.Sequence) > 0 && !p.Count.Contains(int64(len(p.Sequence))) {
		v.errorf(p.Count, pos, "count: %s, but the sequence has %d packets", p.Count, len(p.Sequence))
	}
	if !p.None && p.Count == nil && len(p.Gaps) == 0 && len(p.At) == 0 && len(p.Sequence) == 0 {
		v.errorf(&p.Packets, pos, "nothing is expected of the packets; want count, none, gaps, at or sequence")
	}
}

func (v *validation) counters(c *CountersExpectation, pos Pos) {
	if len(c.Counters) == 0 {
		v.errorf(&c.Counters, pos, "counters: want HOST.GROUP.NAME and how much it rose")
	}
	for i := range c.Counters {
		k := &c.Counters[i]
		terms := k.Terms()
		for j, term := range terms {
			parts := strings.Split(term, ".")
			if term == "" {
				v.errorf(&k.Name, k.Pos, "a sum of counters has a counter on both sides of each +")
				continue
			}
			if len(parts) != 3 || !counterName.MatchString(parts[2]) {
				v.errorf(&k.Name, k.Pos, "%q is no counter: want HOST.GROUP.NAME, such as client.TcpExt.TCPTimeouts, or a sum of several", say.Clip(term))
				continue
			}
			if slices.Contains(terms[:j], term) {
				v.errorf(&k.Name, k.Pos, "%s is twice in the sum", term)
			}
			v.host(&k.Name, k.Pos, parts[0], true)
			v.oneOf(&k.Name, k.Pos, "group of counters", parts[1], CounterGroups())
		}
	}
}

func (v *validation) socketSelector(s *SocketSelector, pos Pos) {
	v.host(&s.Host, pos, s.Host, true)
	v.port(&s.Local, pos, 1)
	v.port(&s.Remote, pos, 1)
	for i := range s.State {
		if s.State[i] == Closed {
			v.errorf(&s.State[i], pos, "CLOSED stands for a socket that is gone, in states of a path only; the state of an unconnected one is CLOSE")
		}
	}
}

func (v *validation) path(p *PathExpectation, pos Pos) {
	v.socketSelector(&p.Path, pos)
	if len(p.Path.State) > 0 {
		v.errorf(&p.Path.State, pos, "path: the states go under states")
	}
	if len(p.States) == 0 {
		v.errorf(&p.States, pos, "states: want the states the socket goes through")
	}
	for i := range p.States {
		if p.States[i] == Closed && i < len(p.States)-1 {
			v.errorf(&p.States[i], pos, "states: nothing comes after CLOSED, the socket is gone")
		}
		if i > 0 && p.States[i] == p.States[i-1] {
			v.errorf(&p.States[i], pos, "states: %s twice in a row is seen as once", p.States[i])
		}
	}
}

func (v *validation) socketsExpectation(s *SocketsExpectation, pos Pos) {
	v.socketSelector(&s.Sockets, pos)
	v.event(&s.When, pos, s.When)
	v.count(s.Count, "count", pos)
	v.count(s.Peak, "peak", pos)
	switch {
	case s.Count == nil && s.Peak == nil:
		v.errorf(&s.Sockets, pos, "nothing is expected of the sockets; want count or peak")
	case s.Count == nil && v.has(&s.When):
		v.errorf(&s.When, pos, "when is the moment of count, but there is no count")
	}
}
