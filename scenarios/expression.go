package scenarios

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// expression is the arithmetic within ${...}, read but not yet computed.
//
// The grammar is that of expr-lang/expr, with durations such as 200ms as literals. What the operators mean is said here:
// that library's own would overflow in silence and cannot divide durations, and its functions and ranges can loop. An
// expression only does what it has nodes for.
type expression struct {
	source string
	root   ast.Node
	// durations are the literals, by the rune at which they stand.
	durations map[int]time.Duration
}

// maxExpression is the length of an expression in bytes.
const maxExpression = 500

// durationToken finds duration literals, and before them what must not be taken for one: texts and names.
var durationToken = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_][A-Za-z0-9_]*|(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+\b`)

// unexpectedToken is what the parser calls a token; its class means nothing to a reader.
var unexpectedToken = regexp.MustCompile(`token [A-Z][a-z]+\((".*?")\)`)

// parseExpression reads an expression. The error is the reason, without the expression.
func parseExpression(source string) (*expression, error) {
	if len(source) > maxExpression {
		return nil, fmt.Errorf("it is longer than %d characters", maxExpression)
	}
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("it is empty")
	}
	e := &expression{source: source, durations: map[int]time.Duration{}}
	// The parser knows no duration literals. It gets names of the same length in their place, so that positions stay.
	masked, last := "", 0
	for _, at := range durationToken.FindAllStringIndex(source, -1) {
		token := source[at[0]:at[1]]
		if token[0] < '0' || token[0] > '9' {
			continue
		}
		d, err := parseDuration(token)
		if err != nil {
			return nil, err
		}
		e.durations[utf8.RuneCountInString(source[:at[0]])] = d
		masked += source[last:at[0]] + strings.Repeat("_", utf8.RuneCountInString(token))
		last = at[1]
	}
	tree, err := parser.Parse(masked + source[last:])
	if err != nil {
		var at *file.Error
		if errors.As(err, &at) {
			if strings.Contains(at.Message, "token EOF") {
				return nil, errors.New("it ends too early")
			}
			message := strings.ToLower(at.Message[:1]) + unexpectedToken.ReplaceAllString(at.Message[1:], "$1")
			return nil, fmt.Errorf("%s at character %d", message, at.From+1)
		}
		return nil, err
	}
	e.root = tree.Node
	return e, nil
}

// errSilent ends an evaluation about which an error has been reported already.
var errSilent = errors.New("reported already")

// evaluation computes an expression.
type evaluation struct {
	*expression
	// lookup returns the value of a parameter.
	lookup func(name string) (operand, error)
	// work counts what has been computed.
	work int
}

// eval computes the expression. An operand that is ~ makes the result ~, so that it leaves out what a ~ would.
func (e *evaluation) eval(node ast.Node) (operand, error) {
	e.work++
	switch n := node.(type) {
	case *ast.NilNode:
		return operand{}, nil
	case *ast.IntegerNode:
		return inBounds(operand{kind: number, num: float64(n.Value)})
	case *ast.FloatNode:
		return inBounds(operand{kind: number, num: n.Value})
	case *ast.BoolNode:
		return operand{kind: truth, yes: n.Value}, nil
	case *ast.StringNode:
		return operandOfText(n.Value), nil
	case *ast.IdentifierNode:
		if d, ok := e.durations[n.Location().From]; ok {
			return operand{kind: duration, dur: d}, nil
		}
		return e.lookup(n.Value)
	case *ast.UnaryNode:
		return e.unary(n)
	case *ast.BinaryNode:
		return e.binary(n)
	case *ast.ConditionalNode:
		return e.conditional(n)
	case *ast.ArrayNode:
		return e.array(n)
	case *ast.MemberNode:
		return e.member(n)
	case *ast.BuiltinNode:
		return e.call(n.Name, n.Arguments)
	case *ast.CallNode:
		name := ""
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			name = callee.Value
		}
		return e.call(name, n.Arguments)
	}
	return operand{}, errors.New("it has something that is no part of the language; " + operatorsAre)
}

const operatorsAre = "there are + - * / % ^, comparisons, and, or, not, c ? a : b, list[0], and the functions " +
	"abs, ceil, floor, len, log2, max, min, round and sum"

func (e *evaluation) unary(n *ast.UnaryNode) (operand, error) {
	o, err := e.eval(n.Node)
	if err != nil || o.kind == nothing {
		return o, err
	}
	switch {
	case n.Operator == "-" && (o.kind == number || o.kind == duration):
		o.num, o.dur, o.source = -o.num, -o.dur, ""
		return o, nil
	case n.Operator == "+" && (o.kind == number || o.kind == duration):
		return o, nil
	case (n.Operator == "not" || n.Operator == "!") && o.kind == truth:
		o.yes = !o.yes
		return o, nil
	case n.Operator == "not" || n.Operator == "!":
		return o, fmt.Errorf("%s wants true or false, not %s", n.Operator, o.describe())
	}
	return o, fmt.Errorf("%s wants a number or a duration, not %s", n.Operator, o.describe())
}

func (e *evaluation) binary(n *ast.BinaryNode) (operand, error) {
	op := n.Operator
	switch op {
	case "&&":
		op = "and"
	case "||":
		op = "or"
	case "**":
		op = "^"
	}
	a, err := e.eval(n.Left)
	if err != nil {
		return a, err
	}
	// The right side may be what makes no sense where the left one decides: n > 0 and 1 / n.
	if a.kind == truth && (op == "and" && !a.yes || op == "or" && a.yes) {
		return a, nil
	}
	b, err := e.eval(n.Right)
	if err != nil {
		return b, err
	}
	switch op {
	case "==", "!=":
		return equality(op, a, b)
	case "and", "or", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "^":
	default:
		return operand{}, fmt.Errorf("it has the operator %s, which is no part of the language; %s", n.Operator, operatorsAre)
	}
	if a.kind == nothing || b.kind == nothing {
		return operand{}, nil
	}
	switch op {
	case "and", "or":
		if a.kind != truth || b.kind != truth {
			return operand{}, fmt.Errorf("%s wants true or false on both sides, not %s and %s", op, a.describe(), b.describe())
		}
		return b, nil
	case "<", "<=", ">", ">=":
		return comparison(op, a, b)
	}
	return arithmetic(op, a, b)
}

func equality(op string, a, b operand) (operand, error) {
	if a.kind == several || b.kind == several || a.kind == mapping || b.kind == mapping {
		return operand{}, fmt.Errorf("%s compares single values, not %s and %s", op, a.describe(), b.describe())
	}
	same := a.kind == b.kind && a.num == b.num && a.dur == b.dur && a.yes == b.yes && a.text == b.text
	return operand{kind: truth, yes: same == (op == "==")}, nil
}

func comparison(op string, a, b operand) (operand, error) {
	if a.kind != b.kind || a.kind != number && a.kind != duration {
		return operand{}, fmt.Errorf("%s compares two numbers or two durations, not %s and %s", op, a.describe(), b.describe())
	}
	less, equal := a.num < b.num || a.dur < b.dur, a.num == b.num && a.dur == b.dur
	yes := map[string]bool{"<": less, "<=": less || equal, ">": !less && !equal, ">=": !less}[op]
	return operand{kind: truth, yes: yes}, nil
}

// arithmetic computes a op b. A duration can be added to a duration, multiplied and divided by a number, and divided by a duration.
func arithmetic(op string, a, b operand) (operand, error) {
	wrong := func(wants string) (operand, error) {
		return operand{}, fmt.Errorf("%s wants %s, not %s and %s", op, wants, a.describe(), b.describe())
	}
	numbers, durations := a.kind == number && b.kind == number, a.kind == duration && b.kind == duration
	ofTime := func(nanoseconds float64) (operand, error) {
		if !(math.Abs(nanoseconds) <= float64(maxDuration)) {
			return operand{}, fmt.Errorf("%s %s %s is longer than a year", a, op, b)
		}
		return operand{kind: duration, dur: time.Duration(math.Round(nanoseconds))}, nil
	}
	ofNumber := func(f float64) (operand, error) { return inBounds(operand{kind: number, num: f}) }
	switch op {
	case "+", "-":
		sign := 1.0
		if op == "-" {
			sign = -1
		}
		switch {
		case numbers:
			return ofNumber(a.num + sign*b.num)
		case durations:
			return ofTime(float64(a.dur) + sign*float64(b.dur))
		}
		return wrong("two numbers or two durations")
	case "*":
		switch {
		case numbers:
			return ofNumber(a.num * b.num)
		case a.kind == duration && b.kind == number:
			return ofTime(float64(a.dur) * b.num)
		case a.kind == number && b.kind == duration:
			return ofTime(a.num * float64(b.dur))
		}
		return wrong("two numbers, or a number and a duration")
	case "/":
		if (numbers || a.kind == duration) && (b.kind == number && b.num == 0 || durations && b.dur == 0) {
			return operand{}, fmt.Errorf("%s / %s divides by zero", a, b)
		}
		switch {
		case numbers:
			return ofNumber(a.num / b.num)
		case a.kind == duration && b.kind == number:
			return ofTime(float64(a.dur) / b.num)
		case durations:
			return ofNumber(float64(a.dur) / float64(b.dur))
		}
		return wrong("two numbers, a duration and a number, or two durations")
	case "%":
		if !numbers || a.num != math.Trunc(a.num) || b.num != math.Trunc(b.num) {
			return wrong("two whole numbers")
		}
		if b.num == 0 {
			return operand{}, fmt.Errorf("%s %% %s divides by zero", a, b)
		}
		return ofNumber(math.Mod(a.num, b.num))
	}
	if !numbers {
		return wrong("two numbers")
	}
	return ofNumber(math.Pow(a.num, b.num))
}

// inBounds refuses a number that is not exact, or none.
func inBounds(o operand) (operand, error) {
	if math.IsNaN(o.num) || math.Abs(o.num) > maxNumber {
		return o, fmt.Errorf("it comes to a number beyond %d", int64(maxNumber))
	}
	return o, nil
}

func (e *evaluation) conditional(n *ast.ConditionalNode) (operand, error) {
	c, err := e.eval(n.Cond)
	switch {
	case err != nil || c.kind == nothing:
		return c, err
	case c.kind != truth:
		return c, fmt.Errorf("? wants true or false before it, not %s", c.describe())
	case c.yes:
		return e.eval(n.Exp1)
	}
	return e.eval(n.Exp2)
}

func (e *evaluation) array(n *ast.ArrayNode) (operand, error) {
	o := operand{kind: several}
	for _, item := range n.Nodes {
		v, err := e.eval(item)
		if err != nil {
			return o, err
		}
		o.list = append(o.list, v)
	}
	return o, nil
}

func (e *evaluation) member(n *ast.MemberNode) (operand, error) {
	o, err := e.eval(n.Node)
	if err != nil || o.kind == nothing {
		return o, err
	}
	i, err := e.eval(n.Property)
	switch {
	case err != nil || i.kind == nothing:
		return i, err
	case o.kind != several:
		return o, fmt.Errorf("[] wants a list before it, not %s", o.describe())
	case i.kind != number || i.num != math.Trunc(i.num):
		return i, fmt.Errorf("[] wants a whole number within, not %s", i.describe())
	case i.num < 0 || i.num >= float64(len(o.list)):
		return i, fmt.Errorf("the list has no item [%s]; it has %d, counted from 0", i, len(o.list))
	}
	return o.list[int(i.num)], nil
}

// functions are the names that can be called.
var functions = []string{"abs", "ceil", "floor", "len", "log2", "max", "min", "round", "sum"}

func (e *evaluation) call(name string, args []ast.Node) (operand, error) {
	if !slices.Contains(functions, name) {
		return operand{}, fmt.Errorf("it calls a function that is not there%s; %s", didYouMean(name, functions), operatorsAre)
	}
	var operands []operand
	for _, arg := range args {
		o, err := e.eval(arg)
		if err != nil || o.kind == nothing {
			return o, err
		}
		operands = append(operands, o)
	}
	switch name {
	case "min", "max":
		return extreme(name, operands)
	}
	if len(operands) != 1 {
		return operand{}, fmt.Errorf("%s wants one value, not %d", name, len(operands))
	}
	o := operands[0]
	e.work += len(o.list)
	switch name {
	case "len":
		if o.kind != several {
			return o, fmt.Errorf("len wants a list, not %s", o.describe())
		}
		return operand{kind: number, num: float64(len(o.list))}, nil
	case "sum":
		return sum(o)
	case "abs":
		if o.kind != number && o.kind != duration {
			return o, fmt.Errorf("abs wants a number or a duration, not %s", o.describe())
		}
		o.num, o.dur, o.source = math.Abs(o.num), o.dur.Abs(), ""
		return o, nil
	}
	if o.kind != number {
		return o, fmt.Errorf("%s wants a number, not %s", name, o.describe())
	}
	compute := map[string]func(float64) float64{"ceil": math.Ceil, "floor": math.Floor, "log2": math.Log2, "round": math.Round}[name]
	return inBounds(operand{kind: number, num: compute(o.num)})
}

func extreme(name string, operands []operand) (operand, error) {
	if len(operands) == 0 {
		return operand{}, fmt.Errorf("%s wants at least one value", name)
	}
	best := operands[0]
	for _, o := range operands {
		if o.kind != best.kind || o.kind != number && o.kind != duration {
			return o, fmt.Errorf("%s wants numbers or durations, not %s and %s", name, best.describe(), o.describe())
		}
		if less := o.num < best.num || o.dur < best.dur; less == (name == "min") && (o.num != best.num || o.dur != best.dur) {
			best = o
		}
	}
	return best, nil
}

func sum(o operand) (operand, error) {
	if o.kind != several {
		return o, fmt.Errorf("sum wants a list, not %s", o.describe())
	}
	total := operand{kind: number}
	for i, item := range o.list {
		if i == 0 {
			total = item
			continue
		}
		var err error
		if total, err = arithmetic("+", total, item); err != nil {
			return total, err
		}
	}
	if total.kind != number && total.kind != duration {
		return total, fmt.Errorf("sum wants numbers or durations, not %s", total.describe())
	}
	return total, nil
}
