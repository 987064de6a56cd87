package language

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/invopop/jsonschema"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// Unproven is an entry of control: settings that no expectation has to prove, and why. A control is
// a run without one of the settings of a scenario, see [Scenario.Settings].
type Unproven struct {
	Fault  string `json:"fault,omitempty" jsonschema_description:"The fault of this name."`
	Sysctl string `json:"sysctl,omitempty" jsonschema_description:"This kernel parameter, of hosts and of sysctl steps."`
	Option string `json:"option,omitempty" jsonschema_description:"This socket option, of setsockopt steps."`
	Host   string `json:"host,omitempty" jsonschema_description:"Only the sysctl of this host, or the option of an actor on it. Default: of all hosts."`
	Step   string `json:"step,omitempty" jsonschema_description:"Only the sysctl or the option of this step, ACTOR.STEP. Default: of all steps."`
	Reason string `json:"reason" jsonschema_description:"Why no expectation fails without it."`

	Only Names `json:"only,omitempty" jsonschema_description:"Only in these cases or IP versions: names of cases, v4, v6."`
	Pos  Pos   `json:"pos,omitzero" yaml:"-"`
}

// String returns the entry in words: "the option SO_RCVTIMEO of client.setsockopt".
func (u *Unproven) String() string {
	var text string
	switch {
	case u.Fault != "":
		text = "the fault " + say.Clip(u.Fault)
	case u.Sysctl != "":
		text = "the sysctl " + say.Clip(u.Sysctl)
	default:
		text = "the option " + say.Clip(u.Option)
	}
	if of := cmp.Or(u.Step, u.Host); of != "" {
		text += " of " + say.Clip(of)
	}
	return text
}

// Names reports whether the entry names a setting.
func (u *Unproven) Names(s *Setting) bool {
	name := map[SettingKind]string{
		SettingFault: u.Fault, SettingSysctl: u.Sysctl, SettingOption: u.Option,
	}[s.Kind]
	return name != "" && name == s.Name &&
		(u.Host == "" || u.Host == s.Host) && (u.Step == "" || u.Step == s.Step)
}

// control checks the entries: each names one kind of setting, something that the scenario has, and a
// reason.
func (v *validation) control() {
	var settings []Setting
	if len(v.s.Control) > 0 {
		settings = v.s.Settings()
	}
	for i := range v.s.Control {
		u := &v.s.Control[i]
		given := 0
		for _, name := range []string{u.Fault, u.Sysctl, u.Option} {
			if name != "" {
				given++
			}
		}
		switch {
		case given != 1:
			v.errorf(code.MissingKey, nil, u.Pos,
				"control: want exactly one of fault, sysctl and option")
			continue
		case u.Fault != "" && u.Host+u.Step != "":
			v.errorf(code.MisplacedKey, nil, u.Pos,
				"control: a fault belongs to no host or step; remove host and step")
			continue
		}
		if v.has(&u.Reason) &&
			(strings.TrimSpace(u.Reason) == "" || strings.Contains(u.Reason, "\n")) {
			v.errorf(code.InvalidText, &u.Reason, u.Pos,
				"control: want a reason of one line: why no expectation fails without %s", u)
		}
		if u.Fault != "" {
			v.faultRef(&u.Fault, u.Pos, u.Fault)
			continue
		}
		v.named(u, settings)
	}
}

// named checks that an entry names one of the settings, which are sysctls and socket options.
func (v *validation) named(u *Unproven, settings []Setting) {
	if u.Host != "" && u.Host != Wire && !slices.Contains(v.hosts, u.Host) {
		v.host(&u.Host, u.Pos, u.Host, true)
		return
	}
	if u.Step != "" {
		actor, id, n := StepRef(u.Step).Split()
		if actor == "" || n != 0 {
			v.errorf(code.InvalidName, &u.Step, u.Pos,
				"invalid step %q: want ACTOR.STEP", say.Clip(u.Step))
			return
		}
		if v.stepRef(&u.Step, u.Pos, actor, id, 0) == nil {
			return
		}
	}
	kind, field, name := SettingSysctl, &u.Sysctl, u.Sysctl
	if u.Option != "" {
		kind, field, name = SettingOption, &u.Option, u.Option
	}
	var known, places []string
	for i := range settings {
		s := &settings[i]
		switch {
		case u.Names(s):
			return
		case s.Kind == kind && s.Name == name:
			places = append(places, cmp.Or(s.Step, s.Host))
		case s.Kind == kind:
			known = append(known, s.Name)
		}
	}
	hint := suggestName(name, known)
	if len(places) > 0 {
		hint = spell.Hint{Text: "; it is set by " + say.List(places)}
	}
	v.errorf(code.UnknownName, field, u.Pos, "control: nothing sets %s%s", u, hint)
}

// unproven reads an entry of control.
func (d *decoder) unproven(n *yaml.Node, u *Unproven) {
	u.Pos = Pos(d.At(n))
	d.Plain(n, reflect.ValueOf(u).Elem())
}

// control reads a list of entries; a single entry may be written without the list.
func (d *decoder) control(n *yaml.Node, all *[]Unproven) {
	if n.Kind == yaml.MappingNode {
		n = &yaml.Node{
			Kind: yaml.SequenceNode, Line: n.Line, Column: n.Column, Content: []*yaml.Node{n},
		}
	}
	d.Plain(n, reflect.ValueOf(all).Elem())
}

func (b *schemaBuilder) control(t reflect.Type) *jsonschema.Schema {
	entry := b.of(t.Elem())
	return &jsonschema.Schema{
		AnyOf: []*jsonschema.Schema{entry, {Type: "array", Items: entry}},
	}
}
