package language

import (
	"errors"
	"slices"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"gopkg.in/yaml.v3"

	"halfopen/internal/decode"
	"halfopen/internal/expr"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// substitution copies a tree, with parameters and aliases replaced.
type substitution struct {
	d      *decoder
	params map[string]*yaml.Node
	names  []string
	nodes  int
	text   int
	// read has the expressions parsed so far, by their source.
	read map[string]*expr.Expression
	// computing are the parameters that are being computed, each because the one before needs it;
	// computed are those that are done.
	computing []string
	computed  map[string]bool
	// found are the mistakes so far, broken those of each parameter that cannot be computed. They
	// count only where the decoder comes to a scalar that needs the parameter: not in what only
	// leaves out.
	found  []decode.Mistake
	broken map[string][]decode.Mistake
}

// maxFound bounds the mistakes of one case: beyond it, a parameter that cannot be computed counts as
// one mistake wherever it is used.
const maxFound = 10 * maxErrors

// maxMistakesOfText is the number of mistakes after which the rest of a text is not read.
const maxMistakesOfText = 5

// maxComputing is the longest chain of parameters that are each computed from the next.
const maxComputing = 100

var (
	wholeParam = pattern.New(`^\$\{([^{}]*)\}$`)
	anyParam   = pattern.New(`\$?\$\{([^{}]*)\}`)
)

// errSilent ends an evaluation whose error has already been reported.
var errSilent = errors.New("reported already")

// errorf records a mistake at a node.
func (x *substitution) errorf(c code.Code, n *yaml.Node, format string, args ...any) {
	x.found = append(x.found, decode.Mistake{Place: x.d.At(n), Problem: code.Errorf(c, format, args...)})
}

// node returns the copy of a node. It is nil for a parameter whose value is null: the key or item
// is left out.
func (x *substitution) node(n *yaml.Node) *yaml.Node {
	n = resolve(n)
	if x.nodes++; x.nodes > MaxNodes || x.text > maxText {
		return nil
	}
	c := *n
	c.Anchor, c.Alias, c.Content = "", nil, nil
	switch n.Kind {
	case yaml.ScalarNode:
		before := len(x.found)
		if m := wholeParam.FindStringSubmatch(n.Value); m != nil {
			value := x.inner(n, m[1])
			if value == nil {
				x.d.Blame(&c, x.found[before:])
				return &c
			}
			if decode.IsNull(value) {
				return nil
			}
			copied := x.literal(value)
			return copied
		}
		c.Value = x.splice(n)
		if len(x.found) > before {
			x.d.Blame(&c, x.found[before:])
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := x.node(n.Content[i]), x.node(n.Content[i+1])
			switch {
			case key == nil:
			case value == nil:
				x.d.absent[&c] = append(x.d.absent[&c], key.Value)
			default:
				c.Content = append(c.Content, key, value)
			}
		}
	default:
		for _, item := range n.Content {
			if value := x.node(item); value != nil {
				c.Content = append(c.Content, value)
			}
		}
	}
	return &c
}

// literal copies the value of a parameter as it is.
func (x *substitution) literal(n *yaml.Node) *yaml.Node {
	n = resolve(n)
	x.nodes++
	x.text += len(n.Value)
	c := *n
	c.Anchor, c.Alias, c.Content = "", nil, nil
	for _, item := range n.Content {
		if x.nodes > MaxNodes || x.text > maxText {
			break
		}
		c.Content = append(c.Content, x.literal(item))
	}
	return &c
}

// inner returns the value of ${source}: of a parameter, or of an expression. It is nil after an
// error.
func (x *substitution) inner(n *yaml.Node, source string) *yaml.Node {
	if slices.Contains(x.names, source) || paramName.MatchString(source) {
		return x.param(n, source)
	}
	e, ok := x.read[source]
	if !ok {
		var err error
		if e, err = expr.Parse(source); err != nil {
			x.errorf(code.InvalidExpression, n,
				"invalid expression ${%s}: %v; to write ${ itself, write $${",
				say.Clip(source), err)
			return nil
		}
		x.read[source] = e
	}
	result, work, err := e.Evaluate(func(name string) (expr.Value, error) {
		value := x.param(n, name)
		if value == nil || x.nodes > MaxNodes {
			return expr.Value{}, errSilent
		}
		v := valueOf(value)
		x.nodes += v.Size()
		return v, nil
	})
	x.nodes += work
	if err == nil && result.Has(expr.Mapping) {
		err = errors.New("the result is a mapping, which only ${name} alone can stand for")
	}
	if err != nil {
		if !errors.Is(err, errSilent) {
			x.errorf(code.FailedExpression, n, "cannot compute ${%s}: %v", say.Clip(source), err)
		}
		return nil
	}
	return nodeOf(result, n)
}

// valueOf returns the value of a node in expressions. A list that contains a mapping is still a
// list.
func valueOf(n *yaml.Node) expr.Value {
	n = resolve(n)
	switch {
	case decode.IsNull(n):
		return expr.Value{}
	case n.Kind == yaml.MappingNode:
		return expr.AnyMapping()
	case n.Kind == yaml.SequenceNode:
		var items []expr.Value
		for _, c := range n.Content {
			items = append(items, valueOf(c))
		}
		return expr.ListOf(items...)
	}
	return expr.ParseValue(n.Value)
}

// nodeOf returns a value as a YAML node, at the place of another node.
func nodeOf(v expr.Value, at *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v.String()}
	switch v.Kind() {
	case expr.Nothing:
		n.Tag = "!!null"
	case expr.List:
		n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v.Items() {
			n.Content = append(n.Content, nodeOf(item, at))
		}
	}
	n.Line, n.Column = at.Line, at.Column
	return n
}

// param returns the value of a parameter, which it first computes if it depends on others. It
// reports a parameter that has no value in this case.
func (x *substitution) param(n *yaml.Node, name string) *yaml.Node {
	value, ok := x.params[name]
	switch {
	case x.broken[name] != nil:
		mistakes := x.broken[name]
		if len(x.found) > maxFound {
			mistakes = mistakes[:1]
		}
		x.found = append(x.found, mistakes...)
		return nil
	case ok && slices.Contains(x.computing, name):
		x.errorf(code.CircularValue, value,
			"the parameter %s depends on itself: %s",
			name, say.Clip(strings.Join(append(x.computing, name), " -> ")))
		return nil
	case ok && len(x.computing) == maxComputing:
		x.errorf(code.CircularValue, value,
			"more than %d parameters depend on one another", maxComputing)
		return nil
	case ok && !x.computed[name] && refersToParam(value):
		before := len(x.found)
		x.computing = append(x.computing, name)
		computed := x.node(value)
		x.computing = x.computing[:len(x.computing)-1]
		if computed == nil {
			computed = &yaml.Node{
				Kind: yaml.ScalarNode, Tag: "!!null", Value: "~", Line: value.Line, Column: value.Column,
			}
		}
		x.params[name], x.computed[name] = computed, true
		if len(x.found) > before {
			x.broken[name] = slices.Clone(x.found[before:])
			return nil
		}
		return computed
	case ok:
		return value
	case slices.Contains(x.names, name):
		x.errorf(code.UnknownParameter, n,
			"parameter ${%s} has no value; give it one there, or under params", name)
	default:
		x.errorf(code.UnknownParameter, n,
			"undefined parameter ${%s}%s", say.Clip(name), suggestParam(name, x.names))
	}
	return nil
}

func suggestParam(name string, known []string) spell.Hint {
	return spell.DidYouMean(name, known).
		Or("; known here: " + say.List(known) + "; to write the text itself, write $${" + say.Clip(name) + "}")
}

// splice replaces parameters within a text.
func (x *substitution) splice(n *yaml.Node) string {
	if !strings.Contains(n.Value, "${") {
		return n.Value
	}
	x.text += len(n.Value)
	before := len(x.found)
	return anyParam.ReplaceAllStringFunc(n.Value, func(m string) string {
		if strings.HasPrefix(m, "$$") {
			return m[1:]
		}
		if len(x.found)-before > maxMistakesOfText {
			return ""
		}
		value := x.inner(n, m[2:len(m)-1])
		if value == nil || x.text > maxText {
			return ""
		}
		text := flow(value)
		x.text += len(text)
		return text
	})
}
