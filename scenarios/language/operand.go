package language

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/say"
)

// kind is what a parameter's value is to an expression. It goes by the form of the text, not by YAML's quotes, because the
// command line has none.
type kind int

const (
	// nothing is ~, which leaves out what stands on it.
	nothing kind = iota
	number
	duration
	truth
	plainText
	several
	// mapping is a value that expressions can do nothing with.
	mapping
)

// operand is a value that an expression computes with, or yields.
type operand struct {
	kind kind
	num  float64
	dur  time.Duration
	yes  bool
	text string
	list []operand
	// source is how a number or a duration that was not computed is written; it stays so.
	source string
}

// plainNumber is a number as people write it; without hexadecimals, exponents and infinities.
var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// maxNumber bounds numbers so that each whole one is exact.
const maxNumber = 1 << 53

// operandOf reads a value. A node that is a mapping, or has one in it, is none that expressions know.
func operandOf(n *yaml.Node) operand {
	n = resolve(n)
	switch {
	case isNull(n):
		return operand{}
	case n.Kind == yaml.MappingNode:
		return operand{kind: mapping}
	case n.Kind == yaml.SequenceNode:
		o := operand{kind: several}
		for _, c := range n.Content {
			o.list = append(o.list, operandOf(c))
		}
		return o
	}
	return operandOfText(n.Value)
}

func operandOfText(text string) operand {
	bare := strings.TrimSpace(text)
	if f, err := strconv.ParseFloat(bare, 64); err == nil && plainNumber.MatchString(bare) && math.Abs(f) <= maxNumber {
		return operand{kind: number, num: f, source: bare}
	}
	if d, err := parseDuration(bare); err == nil && bare != "" {
		return operand{kind: duration, dur: d, source: bare}
	}
	if bare == "true" || bare == "false" {
		return operand{kind: truth, yes: bare == "true"}
	}
	return operand{kind: plainText, text: text}
}

// node writes the operand as YAML, at the place of another node.
func (o operand) node(at *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: o.String()}
	switch o.kind {
	case nothing:
		n.Tag = "!!null"
	case several:
		n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range o.list {
			n.Content = append(n.Content, item.node(at))
		}
	}
	n.Line, n.Column = at.Line, at.Column
	return n
}

// String returns the operand as it is written in YAML. Whole seconds stay seconds, as timers are told in them: 127s.
func (o operand) String() string {
	switch {
	case o.source != "":
		return o.source
	case o.kind == number && o.num != math.Trunc(o.num):
		return strings.TrimRight(strconv.FormatFloat(o.num, 'f', 9, 64), "0") // 0.3, not 0.30000000000000004
	case o.kind == number:
		return strconv.FormatInt(int64(o.num), 10)
	}
	switch o.kind {
	case duration:
		if o.dur%time.Second == 0 {
			return strconv.FormatInt(int64(o.dur/time.Second), 10) + "s"
		}
		return o.dur.String()
	case truth:
		return strconv.FormatBool(o.yes)
	case plainText:
		return o.text
	case several:
		var items []string
		for _, item := range o.list {
			items = append(items, item.String())
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return "~"
}

// has reports whether the operand, or one in its list, is of the kind.
func (o operand) has(k kind) bool {
	return o.kind == k || slices.ContainsFunc(o.list, func(item operand) bool { return item.has(k) })
}

// size counts the values in the operand.
func (o operand) size() int {
	n := 1
	for _, item := range o.list {
		n += item.size()
	}
	return n
}

// describe says what the operand is, for a message.
func (o operand) describe() string {
	switch o.kind {
	case number:
		return "the number " + o.String()
	case duration:
		return "the duration " + o.String()
	case truth:
		return o.String()
	case plainText:
		return "the text " + strconv.Quote(say.Clip(o.text))
	case several:
		return "a list"
	case mapping:
		return "a mapping"
	}
	return "~"
}

// String returns the kind as a noun.
func (k kind) String() string {
	return [...]string{"~", "a number", "a duration", "true or false", "a text", "a list", "a mapping"}[k]
}
