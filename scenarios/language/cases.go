package language

import (
	"slices"
	"strings"

	"halfopen/internal/code"
	"halfopen/internal/pattern"

	"gopkg.in/yaml.v3"

	"halfopen/internal/decode"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

var (
	paramName = pattern.New(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	// paramInExpression matches the name of a parameter in an expression, where - is an operator.
	paramInExpression = pattern.New(`[A-Za-z_][A-Za-z0-9_]*`)
)

// reservedParams are set by the loader.
var reservedParams = []string{"ip", "case"}

// table reads params and cases.
func (f *File) table(d *decoder) {
	if n := f.entry("params"); n != nil && !decode.IsNull(n) {
		if n.Kind != yaml.MappingNode {
			d.Errorf(code.WrongType, n,
				"want a mapping of parameters to values here, such as {retries: 1}")
		} else {
			f.defaults = f.params(d, n)
		}
	}
	n := f.entry("cases")
	if m := f.entry("matrix"); m != nil && n != nil {
		d.Errorf(code.ConflictingKeys, m, "want cases or matrix, not both")
		return
	} else if m != nil {
		f.matrix(d, m)
		return
	}
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		d.Errorf(code.WrongType, n,
			"want a list of cases here, such as [{retries: 1}, {retries: 5}]")
		return
	}
	if len(n.Content) > MaxCases {
		d.Errorf(code.LimitExceeded, n,
			"%d cases are too many: want at most %d", len(n.Content), MaxCases)
		return
	}
	for _, item := range n.Content {
		item = resolve(item)
		if item.Kind != yaml.MappingNode || len(item.Content) == 0 {
			d.Errorf(code.WrongType, item,
				"want a mapping of parameters to values here, such as {retries: 1}")
			continue
		}
		r := row{pos: item, params: f.params(d, item)}
		r.label, r.named = labelOf(r.params)
		if !r.named && len(r.params) > 0 && refersToParam(r.params[0].value) {
			d.Errorf(code.InvalidName, r.params[0].value,
				"the first parameter names the case and cannot be computed; name the case with the key case instead")
		}
		if c := decode.Child(item, "case"); c != nil {
			r.params = slices.DeleteFunc(r.params, func(p param) bool { return p.name == "case" })
			if r.label == "" || r.label == string(V4) || r.label == string(V6) {
				d.Errorf(code.InvalidName, c,
					"invalid name %q for a case: want any text but \"\", v4 and v6", r.label)
			}
		}
		if c, has := controlIn(r.label); has {
			d.Errorf(code.InvalidText, item, "the name of the case has the control character %+q: "+
				"remove it, or name the case with the key case", c)
		}
		if slices.Contains(f.Cases, r.label) {
			d.Errorf(code.DuplicateName, item,
				"duplicate case %q: name one of them with the key case", r.label)
		}
		f.rows = append(f.rows, r)
		f.Cases = append(f.Cases, r.label)
	}
}

// params reads a mapping of parameters and records names that are new.
func (f *File) params(d *decoder, n *yaml.Node) []param {
	d.Keys(n)
	var params []param
	if f.names == nil {
		f.names = map[string]*yaml.Node{}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		switch {
		case key.Value == "case" && value.Kind == yaml.ScalarNode:
		case slices.Contains(reservedParams, key.Value):
			d.Errorf(code.InvalidName, key,
				"reserved parameter %q: halfopen sets it; choose another name", key.Value)
			continue
		case !paramName.MatchString(key.Value):
			d.Errorf(code.InvalidName, key,
				"invalid name %q for a parameter: want letters, digits, - and _, not a digit or - first",
				say.Clip(key.Value))
			continue
		default:
			if !slices.Contains(f.Params, key.Value) {
				f.Params = append(f.Params, key.Value)
				f.names[key.Value] = key
			}
		}
		params = append(params, param{key.Value, value})
	}
	return params
}

// unused returns a note for each parameter that nothing in the file uses: it may be misspelt.
func (f *File) unused() []*Error {
	used := map[string]bool{}
	namesIn(f.root, used)
	known := slices.DeleteFunc(slices.Clone(f.Params), func(p string) bool { return !used[p] })
	var all []*Error
	for _, name := range f.Params {
		if n := f.names[name]; !used[name] && !(name == matrixFault && len(f.chosen) > 0) {
			all = append(all, &Error{
				Pos{f.Path, n.Line, n.Column},
				code.Errorf(code.UnusedParameter,
					"nothing uses the parameter %s%s",
					say.Clip(name), spell.DidYouMean(name, known)),
			})
		}
	}
	return all
}

// Knobs returns the parameters that change what happens, in the order of Params. The other
// parameters only change what is expected.
func (f *File) Knobs() []string {
	turned := map[string]bool{}
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		switch f.root.Content[i].Value {
		case "params", "cases", "matrix", "expect", "title", "teaches":
		default:
			namesIn(f.root.Content[i+1], turned)
		}
	}
	turned[matrixFault] = turned[matrixFault] || len(f.chosen) > 0
	values := slices.Clone(f.defaults)
	for _, r := range f.rows {
		values = append(values, r.params...)
	}
	// Parameters that a knob is computed from are knobs too.
	for before := -1; len(turned) > before; {
		before = len(turned)
		for _, p := range values {
			if turned[p.name] {
				namesIn(p.value, turned)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(f.Params), func(p string) bool { return !turned[p] })
}

// namesIn adds the names in the ${...} of a node and of all nodes below it.
func namesIn(n *yaml.Node, names map[string]bool) {
	n = resolve(n)
	for _, m := range anyParam.FindAllStringSubmatch(n.Value, -1) {
		names[m[1]] = true
		for _, word := range paramInExpression.FindAllString(m[1], -1) {
			names[word] = true
		}
	}
	for _, c := range n.Content {
		namesIn(c, names)
	}
}

// refersToParam reports whether a value contains ${...}.
func refersToParam(n *yaml.Node) bool {
	n = resolve(n)
	return strings.Contains(n.Value, "${") || slices.ContainsFunc(n.Content, refersToParam)
}

// labelOf returns the label of a case: the value of the key case (then named is true), else its
// first parameter.
func labelOf(params []param) (label string, named bool) {
	for _, p := range params {
		if p.name == "case" {
			return p.value.Value, true
		}
	}
	if len(params) == 0 {
		return "", false
	}
	return params[0].name + "=" + flow(params[0].value), false
}

// flow writes a node on one line, as in the source.
func flow(n *yaml.Node) string {
	n = resolve(n)
	var parts []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			parts = append(parts, flow(c))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, flow(n.Content[i])+": "+flow(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return n.Value
}

// expandedRow is a row with the defaults and the settings of the command line applied.
type expandedRow struct {
	// written is the label in the file, which only: refers to; label is the label of the run.
	written, label string
	params         []param
	// matrix are the values of a combination of a matrix; nil for other rows.
	matrix []MatrixValue
}

// apply adds the defaults and set to the rows. A file without cases has one row without a label.
// Rows that set has made equal become one.
func (f *File) apply(set map[string]string) ([]expandedRow, error) {
	for name := range set {
		if !slices.Contains(f.Params, name) {
			known := "it has none"
			if len(f.Params) > 0 {
				known = "it has " + say.List(f.Params)
			}
			return nil, code.Errorf(code.UnknownParameter, "scenario %s has no parameter %q%s; %s",
				f.Name, say.Clip(name), spell.DidYouMean(name, f.Params), known)
		}
	}
	var errs []*Error
	for _, name := range f.Params {
		if text, ok := set[name]; ok {
			errs = append(errs, f.settable(name, text)...)
		}
	}
	if err := joinErrors(errs); err != nil {
		return nil, err
	}
	rows := f.rows
	if len(rows) == 0 {
		rows = []row{{}}
	}
	var out []expandedRow
	for _, r := range rows {
		e := expandedRow{written: r.label, label: r.label}
		for _, p := range slices.Concat(r.params, f.defaults) {
			if slices.ContainsFunc(e.params, func(q param) bool { return q.name == p.name }) {
				continue
			}
			if text, ok := set[p.name]; ok {
				p.value = setNode(text, p.value)
			}
			e.params = append(e.params, p)
		}
		// A parameter that only other rows have can be set for this one, too.
		for _, name := range f.Params {
			if text, ok := set[name]; ok &&
				!slices.ContainsFunc(e.params, func(q param) bool { return q.name == name }) {
				e.params = append(e.params, param{name, setNode(text, nil)})
			}
		}
		switch {
		case r.ofMatrix:
			e.label = matrixLabel(e.params[:len(r.params)])
			e.matrix = matrixValues(e.params[:len(r.params)])
		case r.label != "" && !r.named:
			e.label, _ = labelOf(e.params)
		}
		if !slices.ContainsFunc(out, func(o expandedRow) bool {
			return len(set) > 0 && sameParams(o, e)
		}) {
			out = append(out, e)
		}
	}
	distinguish(out)
	return out, nil
}

// sameParams reports whether two rows have the same label and the same parameters.
func sameParams(a, b expandedRow) bool {
	return a.label == b.label && slices.EqualFunc(a.params, b.params, func(p, q param) bool {
		return p.name == q.name && flow(p.value) == flow(q.value)
	})
}

// distinguish adds the written label to the label of rows that have the same label because of the
// command line.
func distinguish(rows []expandedRow) {
	count := map[string]int{}
	for _, r := range rows {
		count[r.label]++
	}
	for i := range rows {
		if r := &rows[i]; count[r.label] > 1 {
			r.label += " (" + r.written + ")"
		}
	}
}
