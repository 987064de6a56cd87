package language

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// The matrix of a file has a list of values for each of some parameters; each combination is a case.
// Its parameter fault names faults of the scenario: a fault that it names is in force only in the
// cases that name it.

const (
	// matrixFault is the parameter of a matrix that chooses faults.
	matrixFault = "fault"
	// noFault is its value for none of them.
	noFault = "none"
)

// MatrixValue is the value of one parameter of a matrix in a case, as the label of the case has it.
type MatrixValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// matrix reads the key matrix of a file.
func (f *File) matrix(d *decoder, n *yaml.Node) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		d.Errorf(code.WrongType, n,
			"want a mapping of parameters to lists of values here, such as {fault: [none, slow], timeout: [1s, 5s]}")
		return
	}
	axes := f.params(d, n)
	rows := []row{{pos: n, ofMatrix: true}}
	for _, axis := range axes {
		list := axis.value
		if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
			d.Errorf(code.WrongType, list,
				"matrix: want a list of values for %s, such as [1s, 5s]", axis.name)
			return
		}
		if len(rows)*len(list.Content) > MaxCases {
			d.Errorf(code.LimitExceeded, n,
				"%d and more cases are too many: want at most %d",
				len(rows)*len(list.Content), MaxCases)
			return
		}
		var next []row
		for _, r := range rows {
			for _, value := range list.Content {
				next = append(next, row{
					pos: r.pos, ofMatrix: true,
					params: append(slices.Clone(r.params), param{axis.name, resolve(value)}),
				})
			}
		}
		rows = next
		for i, value := range list.Content {
			value = resolve(value)
			if refersToParam(value) {
				d.Errorf(code.InvalidName, value,
					"matrix: a value names the case and cannot be computed; compute another parameter from it")
			}
			if slices.ContainsFunc(list.Content[:i], func(o *yaml.Node) bool { return flow(o) == flow(value) }) {
				d.Errorf(code.DuplicateEntry, value,
					"matrix: %s has the value %s twice", axis.name, say.Clip(flow(value)))
			}
		}
		if axis.name == matrixFault {
			f.chooses(d, list)
		}
	}
	for _, r := range rows {
		r.label = matrixLabel(r.params)
		if c, has := controlIn(r.label); has {
			d.Errorf(code.InvalidText, n,
				"matrix: a value has the control character %+q: remove it", c)
			return
		}
		f.rows = append(f.rows, r)
		f.Cases = append(f.Cases, r.label)
	}
}

// matrixLabel names a case of a matrix by all its parameters.
func matrixLabel(params []param) string {
	parts := make([]string, len(params))
	for i, p := range params {
		parts[i] = p.name + "=" + p.text()
	}
	return strings.Join(parts, " ")
}

// matrixValues returns the values of a row of a matrix.
func matrixValues(params []param) []MatrixValue {
	values := make([]MatrixValue, len(params))
	for i, p := range params {
		values[i] = MatrixValue{p.name, p.text()}
	}
	return values
}

// text is the value in the label of a case. Faults are joined by +.
func (p *param) text() string {
	if p.name == matrixFault && p.value.Kind == yaml.SequenceNode {
		return strings.Join(faultsNamed(p.value), "+")
	}
	return flow(p.value)
}

// chooses records the faults that the matrix names, and reports those that the file does not have.
func (f *File) chooses(d *decoder, list *yaml.Node) {
	var known []string
	if faults := f.entry("faults"); faults != nil && faults.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(faults.Content); i += 2 {
			known = append(known, faults.Content[i].Value)
		}
	}
	for _, value := range list.Content {
		for _, name := range faultsNamed(resolve(value)) {
			if !slices.Contains(known, name) {
				d.Errorf(code.UnknownName, value,
					"matrix: unknown fault %q%s", say.Clip(name), suggestFault(name, known))
			}
			if !slices.Contains(f.chosen, name) {
				f.chosen = append(f.chosen, name)
			}
		}
	}
}

func suggestFault(name string, known []string) spell.Hint {
	return spell.DidYouMean(name, append(known, noFault)).
		Or("; want " + noFault + ", the name of a fault, or a list of names")
}

// faultsNamed returns the faults that a value of the parameter fault names.
func faultsNamed(value *yaml.Node) []string {
	var names []string
	switch {
	case value.Kind == yaml.SequenceNode:
		for _, c := range value.Content {
			names = append(names, faultsNamed(resolve(c))...)
		}
	case decode.IsScalar(value) && value.Value != noFault:
		names = append(names, value.Value)
	}
	return names
}

// left returns the faults that a case of the matrix leaves out.
func (f *File) left(r *expandedRow) []string {
	if len(f.chosen) == 0 {
		return nil
	}
	left := slices.Clone(f.chosen)
	for _, p := range r.params {
		if p.name == matrixFault {
			named := faultsNamed(p.value)
			left = slices.DeleteFunc(left, func(name string) bool { return slices.Contains(named, name) })
		}
	}
	return left
}

// hasValue reports whether the row has that value of a parameter.
func hasValue(params []param, name, value string) bool {
	return slices.ContainsFunc(params, func(p param) bool { return p.name == name && p.text() == value })
}

// parameterIs reads NAME=VALUE, where some case has that value: an entry of only that stands for all
// cases with it. A nil file has no cases.
func (f *File) parameterIs(text string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(text, "=")
	if f == nil {
		return "", "", false
	}
	return name, value, ok && slices.ContainsFunc(f.rows, func(r row) bool { return hasValue(r.params, name, value) })
}
