package language

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"halfopen/internal/say"
)

// Actor is a process on a host that runs steps in order.
type Actor struct {
	Name string `json:"name" yaml:"-"`
	// Host is where the process runs; a bare list of steps under the actor's name means the host of the same name.
	Host  string `json:"host,omitempty" jsonschema_description:"The host it runs on. Default: the host of the actor's name."`
	Steps []Step `yaml:",short" json:"steps" jsonschema_description:"What it does, in order."`
	Only  Names  `json:"only,omitempty" jsonschema_description:"Only in these cases or IP families."`
	Pos   Pos    `json:"pos,omitzero" yaml:"-"`
}

func (v *validation) actor(a *Actor) {
	if slices.Contains([]string{"fault", Wire}, a.Name) {
		v.errorf(nil, a.Pos, "an actor cannot be called %q: the word has a meaning in events and places", a.Name)
	} else {
		v.name(nil, a.Pos, "an actor", a.Name)
	}
	switch {
	case a.Host == a.Name && !v.has(&a.Host) && !slices.Contains(v.hosts, a.Host):
		v.errorf(&a.Host, a.Pos, "there is no host %q for the actor to run on%s; name one: {host: HOST, steps: [...]}", a.Host, suggestName(a.Host, v.hosts))
	default:
		v.host(&a.Host, a.Pos, a.Host, false)
	}
	if len(a.Steps) == 0 && v.has(&a.Steps) {
		v.errorf(&a.Steps, a.Pos, "the actor %s does nothing; give it a step", a.Name)
	}
	v.steplist(a, a.Steps, &socketsMade{names: map[string]bool{}})
}

// socketsMade is what is known about an actor's sockets before a step, in document order.
type socketsMade struct {
	any, bound, listener bool
	names                map[string]bool
}

// defaultSocket is a name the actor gives a socket of itself.
var defaultSocket = regexp.MustCompile(`^(sock|listener|conn)([0-9]*)$`)

func (m *socketsMade) made(name, base string) {
	m.any = true
	m.names[base] = true
	if name != "" {
		m.names[name] = true
	}
}

// knows reports whether a socket may have this name; how many of a default name there are is not known before the run.
func (m *socketsMade) knows(name string) bool {
	if m.names[name] {
		return true
	}
	match := defaultSocket.FindStringSubmatch(name)
	return match != nil && m.names[match[1]]
}

func (v *validation) steplist(a *Actor, steps []Step, made *socketsMade) {
	for i := range steps {
		v.step(a, &steps[i], made)
	}
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
	if st.Op.Wait != nil {
		v.awaits(a, st, &st.Op.Wait.Event)
	}
	v.op(a, st)
	v.sockets(st, made)
	switch {
	case st.Op.Repeat != nil:
		v.steplist(a, st.Op.Repeat.Steps, made)
	case st.Op.Parallel != nil:
		for _, branch := range st.Op.Parallel.Branches {
			v.steplist(a, branch, made)
		}
	}
}

// awaits checks the event a step waits for: one that its own actor raises only later never comes.
func (v *validation) awaits(a *Actor, st *Step, ref *EventRef) {
	e, ok := v.event(ref, st.Pos, *ref)
	if !ok || e.Actor != a.Name {
		return
	}
	this := v.steps[a.Name+"."+st.ID]
	that := v.steps[a.Name+"."+e.Step]
	if e.Kind == EventSignal {
		that = v.raises(a.Name, e.Signal)
	}
	if this != nil && that != nil && this.order > 0 && that.order >= this.order {
		v.errorf(ref, st.Pos, "%s never comes: the actor %s waits for it before it gets there", *ref, a.Name)
	}
}

// raises returns the one step of an actor that raises a signal; nil where there are several.
func (v *validation) raises(actor, signal string) *knownStep {
	var found *knownStep
	for _, id := range v.ids {
		k := v.steps[id]
		if k.step.Op.Signal == nil || k.step.Op.Signal.Name != signal || !strings.HasPrefix(id, actor+".") {
			continue
		}
		if found != nil {
			return nil
		}
		found = k
	}
	return found
}

// sockets follows which sockets there may be, and refuses a step that has none to work on.
func (v *validation) sockets(st *Step, made *socketsMade) {
	op := &st.Op
	switch op.Kind() {
	case "socket":
		made.made(op.Socket.As, "sock")
		return
	case "bind", "connect", "sendto":
		made.made(st.Socket, "sock")
		made.bound = made.bound || op.Bind != nil
		return
	case "listen":
		if !v.has(&op.Listen.Port) && !made.bound {
			v.errorf(op.Listen, st.Pos, "listen needs a port, since no step before binds a socket")
		}
		made.made(st.Socket, "listener")
		made.listener = true
		return
	case "accept":
		if st.Socket == "" && !made.listener {
			v.errorf(nil, st.Pos, "accept needs a listening socket, and no step before makes one")
		}
		v.socketName(st, made)
		made.made(op.Accept.As, "conn")
		return
	case "":
		return
	case "segment":
		if st.Socket == "" && v.has(&op.Segment.To) {
			return
		}
		if st.Socket == "" && !made.any {
			v.errorf(nil, st.Pos, "segment without to needs a socket, and no step before makes one")
			return
		}
	case "flood", "sockstat", "sleep", "signal", "wait", "exec", "kill", "blocked", "sysctl", "limit", "link", "repeat", "parallel":
		if st.Socket != "" {
			v.errorf(&st.Socket, st.Pos, "%s works on no socket", op.Kind())
		}
		return
	}
	if st.Socket == "" && !made.any {
		v.errorf(nil, st.Pos, "%s needs a socket, and no step before makes one", op.Kind())
	}
	v.socketName(st, made)
}

func (v *validation) socketName(st *Step, made *socketsMade) {
	if st.Socket != "" && !made.knows(st.Socket) {
		v.errorf(&st.Socket, st.Pos, "no step before makes a socket %q%s", say.Clip(st.Socket), suggestName(st.Socket, slices.Sorted(maps.Keys(made.names))))
	}
}

// op checks the operation's own fields.
func (v *validation) op(a *Actor, st *Step) {
	op, pos := &st.Op, st.Pos
	switch {
	case op.Socket != nil:
		v.socketAs(&op.Socket.As, pos, op.Socket.As)
	case op.Setsockopt != nil:
		v.setsockopt(op.Setsockopt, pos)
	case op.Bind != nil:
		v.localAddress(&op.Bind.Address, pos, op.Bind.Address)
		v.port(&op.Bind.Port, pos, 0)
	case op.Listen != nil:
		v.localAddress(&op.Listen.Address, pos, op.Listen.Address)
		v.port(&op.Listen.Port, pos, 1)
		if b := op.Listen.Backlog; b != nil && *b < 0 {
			v.errorf(b, pos, "backlog: %d is negative", *b)
		}
	case op.Accept != nil:
		v.socketAs(&op.Accept.As, pos, op.Accept.As)
	case op.Connect != nil:
		v.target(&op.Connect.To, pos, op.Connect.To)
	case op.Send != nil:
		if v.data(&op.Send.Data, pos) == 0 {
			v.errorf(op.Send, pos, "send: want one of text, hex and bytes")
		}
		v.flags(op.Send.Flags, pos, "dontwait", "more", "oob", "nosignal")
	case op.Sendto != nil:
		v.data(&op.Sendto.Data, pos)
		v.target(&op.Sendto.To, pos, op.Sendto.To)
	case op.Recv != nil:
		if op.Recv.Until != "" && v.has(&op.Recv.Bytes) {
			v.errorf(&op.Recv.Until, pos, "recv: want one of bytes and until")
		}
		v.flags(op.Recv.Flags, pos, "dontwait", "peek", "waitall", "oob")
	case op.Recvfrom != nil:
		v.flags(op.Recvfrom.Flags, pos, "dontwait", "peek")
	case op.Segment != nil:
		v.segment(st)
	case op.Flood != nil:
		v.flood(op.Flood, pos)
	case op.Poll != nil:
		v.flags(op.Poll.For, pos, "in", "out", "pri", "rdhup")
	case op.Shutdown != nil && op.Shutdown.How == "":
		v.errorf(op.Shutdown, pos, "shutdown: want read, write or both")
	case op.Getsockopt != nil:
		if _, ok := sockOptionForms[op.Getsockopt.Option]; !ok {
			v.oneOf(&op.Getsockopt.Option, pos, "socket option", op.Getsockopt.Option, slices.Sorted(maps.Keys(sockOptionForms)))
		}
	case op.Signal != nil:
		v.name(&op.Signal.Name, pos, "a signal", op.Signal.Name)
	case op.Exec != nil && (len(op.Exec.Command) == 0 || op.Exec.Command[0] == ""):
		v.errorf(op.Exec, pos, "exec: want a command")
	case op.Kill != nil:
		v.kill(op.Kill, pos)
	case op.Blocked != nil:
		v.blocked(a, op.Blocked, pos)
	case op.Sysctl != nil:
		if v.has(&op.Sysctl.Host) {
			v.host(&op.Sysctl.Host, pos, op.Sysctl.Host, true)
		}
		v.sysctls(op.Sysctl.Set)
	case op.Limit != nil:
		v.limit(op.Limit, pos)
	case op.Link != nil:
		v.link(op.Link, pos)
	case op.Repeat != nil:
		if op.Repeat.Times < 1 || op.Repeat.Times > maxTimes {
			v.errorf(&op.Repeat.Times, pos, "repeat: times: %d is outside 1 to %d", op.Repeat.Times, maxTimes)
		}
	case op.Parallel != nil && len(op.Parallel.Branches) == 0:
		v.errorf(op.Parallel, pos, "parallel: want a list of lists of steps")
	}
}

func (v *validation) socketAs(field *string, pos Pos, name string) {
	if v.has(field) && !stepName.MatchString(name) {
		v.errorf(field, pos, "%q is no name for a socket: want lower-case letters, digits, - and _", say.Clip(name))
	}
}

func (v *validation) localAddress(field *string, pos Pos, address string) {
	if v.has(field) && address != "any" {
		v.address(field, pos, address)
	}
}

// data checks what is sent and returns how many of its forms are given.
func (v *validation) data(d *Data, pos Pos) int {
	given := 0
	for _, field := range []any{&d.Text, &d.Hex, &d.Bytes} {
		if v.has(field) {
			given++
		}
	}
	if given > 1 {
		v.errorf(&d.Hex, pos, "want one of text, hex and bytes, not %d of them", given)
	}
	v.hex(&d.Hex, pos, d.Hex)
	return given
}

func (v *validation) flags(flags []string, pos Pos, known ...string) {
	for i := range flags {
		v.oneOf(&flags[i], pos, "flag", flags[i], known)
	}
}

func (v *validation) setsockopt(s *Setsockopt, pos Pos) {
	if len(s.Options) == 0 {
		v.errorf(s, pos, "setsockopt: want options and their values, such as {TCP_NODELAY: 1}")
	}
	for i := range s.Options {
		o := &s.Options[i]
		form, ok := sockOptionForms[o.Name]
		if !ok {
			v.oneOf(&o.Name, o.Pos, "socket option", o.Name, slices.Sorted(maps.Keys(sockOptionForms)))
			continue
		}
		if problem := form.check(o.Value); problem != "" {
			v.errorf(&o.Value, o.Pos, "%s: %q: %s", o.Name, say.Clip(o.Value), problem)
		}
	}
}

// check says what is wrong with an option's value; "" for nothing.
func (f optionForm) check(value string) string {
	_, notNumber := strconv.ParseInt(value, 0, 64)
	_, notDuration := parseDuration(value)
	switch {
	case f == optionReadOnly:
		return "it can only be read, by getsockopt"
	case f == optionNumber && notNumber != nil:
		return "want a number"
	case f == optionDuration && notDuration != nil:
		return "want a duration, such as 1s"
	case f == optionTime && notNumber != nil && notDuration != nil:
		return "want a number, or a duration such as 2s"
	case f == optionLinger && value != "off" && notNumber != nil && notDuration != nil:
		return "want off, or a duration such as 5s"
	case f == optionWord && value == "":
		return "want a word"
	}
	return ""
}

func (v *validation) kill(k *Kill, pos Pos) {
	v.actorRef(&k.Actor, pos, k.Actor)
	if k.Signal != "" {
		v.oneOf(&k.Signal, pos, "signal", k.Signal, signalNames())
	}
	if k.Restart != nil && k.Signal != "USR1" {
		v.errorf(k.Restart, pos, "restart is for the signal USR1")
	}
}

func (v *validation) blocked(a *Actor, b *Blocked, pos Pos) {
	if b.Actor == a.Name {
		v.errorf(&b.Actor, pos, "blocked: the actor %s cannot ask about itself, as it is not blocked while it asks; name another, or ask from another", a.Name)
		return
	}
	v.actorRef(&b.Actor, pos, b.Actor)
}

// lowNofile leaves the runtime of an actor the descriptors that it needs for itself, and the actor some sockets.
const (
	lowNofile  = 32
	highNofile = 1 << 20 // fs.nr_open, as kernels have it
)

func (v *validation) limit(l *Limit, pos Pos) {
	if l.Nofile < lowNofile || l.Nofile > highNofile {
		v.errorf(&l.Nofile, pos, "limit: nofile: %d is outside %d to %d", l.Nofile, lowNofile, highNofile)
	}
}

func (v *validation) link(l *LinkOp, pos Pos) {
	if v.has(&l.Host) {
		v.host(&l.Host, pos, l.Host, false)
	}
	if v.s.Network.Shape == ShapeLoopback {
		v.errorf(l, pos, "there is no link in the shape loopback")
	}
}
