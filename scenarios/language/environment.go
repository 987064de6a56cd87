package language

import (
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
)

// Environment is what a program finds in its environment next to PATH, HOME, LANG, TZ, TERM and the
// variables whose names begin with HALFOPEN_.
type Environment struct {
	// Inherit are the names of variables that it gets from the environment of halfopen; those that are
	// not set there are left out.
	Inherit Names `json:"inherit,omitempty"`
	// Variables are set, in this order. They replace others of the same name.
	Variables []Variable `yaml:"-" json:"variables,omitempty"`
}

// Variable is a variable of an environment.
type Variable struct {
	Name  string `yaml:",name" json:"name"`
	Value string `yaml:",value" json:"value"`
	Pos   Pos    `json:"pos,omitzero"`
}

// passed are the variables of the environment of halfopen that every program gets, if they are set:
// where programs are, and how people and terminals want their text.
var passed = []string{"PATH", "LANG", "TZ", "TERM"}

// PassesOn reports whether a program gets a variable of the environment of halfopen. A nil Environment
// passes on what every program gets.
func (e *Environment) PassesOn(name string) bool {
	return slices.Contains(passed, name) || strings.HasPrefix(name, "HALFOPEN_") ||
		e != nil && slices.Contains(e.Inherit, name)
}

// PassesOn reports whether a program of the scenario gets a variable of the environment of halfopen.
func (s *Scenario) PassesOn(name string) bool {
	found := false
	for i := range s.Actors {
		EachStep(s.Actors[i].Steps, func(st *Step) {
			l := st.Op.Launch()
			found = found || l != nil && l.Env.PassesOn(name)
		})
	}
	return found
}

// inherit is the key that is not a variable.
const inherit = "inherit"

// environment reads a mapping of variables, and the key inherit.
func (d *decoder) environment(n *yaml.Node, e *Environment) {
	if n.Kind != yaml.MappingNode {
		d.Errorf(code.WrongType, n, "want variables here, NAME: VALUE, or inherit: [NAME]")
		return
	}
	rest := *n
	rest.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == inherit {
			d.Value(n.Content[i+1], reflect.ValueOf(&e.Inherit).Elem())
			continue
		}
		rest.Content = append(rest.Content, n.Content[i], n.Content[i+1])
	}
	if len(rest.Content) > 0 {
		d.Plain(&rest, reflect.ValueOf(&e.Variables).Elem())
	}
}

func environmentSchema(b *schemaBuilder, _ reflect.Type) *jsonschema.Schema {
	properties := jsonschema.NewProperties()
	names := b.of(reflect.TypeFor[Names]())
	properties.Set(inherit, &jsonschema.Schema{
		AnyOf: []*jsonschema.Schema{names}, Description: "Variables to take from the environment of halfopen.",
	})
	return &jsonschema.Schema{
		Type: "object", Properties: properties, AdditionalProperties: b.of(reflect.TypeFor[string]()),
	}
}

func (e *Environment) check(v *validation) {
	for i := range e.Inherit {
		v.variable(&e.Inherit[i], Pos{}, e.Inherit[i])
	}
	for i := range e.Variables {
		w := &e.Variables[i]
		v.variable(&w.Name, w.Pos, w.Name)
		if strings.ContainsRune(w.Value, 0) {
			v.errorf(code.InvalidText, &w.Value, w.Pos, "the value of %s has a NUL byte", w.Name)
		}
	}
}

// variable wants the name of a variable: what execve(2) and the shell can pass on.
func (v *validation) variable(field *string, pos Pos, name string) {
	if name == "" || strings.ContainsAny(name, "=\x00") {
		v.errorf(code.InvalidName, field, pos,
			"invalid name of a variable %q: want one without =", name)
	}
}
