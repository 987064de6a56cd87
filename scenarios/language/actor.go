package language

import (
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
)

// Actor is a process on a host that runs steps in order.
type Actor struct {
	Name string `json:"name" yaml:",name"`
	// Host is where the process runs. A bare list of steps under the name of the actor means the
	// host of the same name.
	Host  string `json:"host,omitempty" jsonschema_description:"The host it runs on. Default: the host with the name of the actor."`
	Steps []Step `yaml:",short" json:"steps" jsonschema_description:"What it does, in order."`
	Only  Names  `json:"only,omitempty" jsonschema_description:"Only in these cases or IP versions: names of cases, v4, v6."`
	Pos   Pos    `json:"pos,omitzero" yaml:"-"`
}

// namedActor reads an actor whose name is already set. The default host is that of the same name.
func (d *decoder) namedActor(n *yaml.Node, a *Actor) {
	d.actor, d.ids = a.Name, map[string]int{}
	d.seen["actor "+a.Name] = true
	d.Plain(n, reflect.ValueOf(a).Elem())
	if a.Host == "" {
		a.Host = a.Name
	}
}

func (v *validation) actor(a *Actor) {
	if slices.Contains([]string{"fault", Wire}, a.Name) {
		v.errorf(code.InvalidName, nil, a.Pos,
			"invalid name %q for an actor: the word has a meaning in events and places", a.Name)
	} else {
		v.name(nil, a.Pos, "an actor", a.Name)
	}
	switch {
	case a.Host == a.Name && !v.has(&a.Host) && !slices.Contains(v.hosts, a.Host):
		v.errorf(code.UnknownName, &a.Host, a.Pos,
			"unknown host %q%s; an actor runs on the host of its name, or on the one it names: {host: HOST, steps: [...]}",
			a.Host, suggestName(a.Host, v.hosts))
	default:
		v.host(&a.Host, a.Pos, a.Host, false)
	}
	if len(a.Steps) == 0 && v.has(&a.Steps) {
		v.errorf(code.MissingValue, &a.Steps, a.Pos,
			"the actor %s has no steps; give it one", a.Name)
	}
	v.steplist(a, a.Steps, &socketsMade{names: map[string]bool{}})
}

func (v *validation) steplist(a *Actor, steps []Step, made *socketsMade) {
	for i := range steps {
		v.step(a, &steps[i], made)
	}
}

// awaits checks the event that a step waits for. An event that the same actor raises only later
// would never come.
func (v *validation) awaits(a *Actor, st *Step, ref *EventRef) {
	e, ok := v.event(ref, st.Pos)
	if !ok || e.Actor != a.Name {
		return
	}
	this := v.steps[a.Name+"."+st.ID]
	that := v.steps[a.Name+"."+e.Step]
	if e.Kind == EventSignal {
		that = v.raises(a.Name, e.Signal)
	}
	if this != nil && that != nil && this.order > 0 && that.order >= this.order {
		v.errorf(code.NeverHappens, ref, st.Pos,
			"endless wait: %s comes only later in the steps of the actor %s itself; want an earlier event",
			*ref, a.Name)
	}
}
