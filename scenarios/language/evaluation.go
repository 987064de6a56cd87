package language

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// errSilent ends an evaluation about which an error has been reported already.
var errSilent = errors.New("reported already")

// evaluation computes an expression.
type evaluation struct {
	// lookup returns the value of a parameter.
	lookup func(name string) (operand, error)
	// work counts what has been computed.
	work int
}

// eval computes the expression. An operand that is ~ makes the result ~, so that it leaves out what a ~ would.
func (e *evaluation) eval(n *expression) (operand, error) {
	e.work++
	switch n.op {
	case literal:
		return n.value, nil
	case name:
		return e.lookup(n.name)
	case call:
		return e.call(n.name, n.args)
	case listing:
		return e.listing(n.args)
	case item:
		return e.item(n.args[0], n.args[1])
	case choice:
		return e.choice(n.args)
	case negate, affirm, not:
		return e.unary(n.op, n.args[0])
	}
	return e.binary(string(n.op), n.args[0], n.args[1])
}

// theFunctions says what can be called, for a message.
var theFunctions = "there are " + say.List(functions)

func (e *evaluation) unary(op operator, arg *expression) (operand, error) {
	o, err := e.eval(arg)
	if err != nil || o.kind == nothing {
		return o, err
	}
	switch {
	case op == not && o.kind == truth:
		o.yes = !o.yes
		return o, nil
	case op == not:
		return o, fmt.Errorf("not wants true or false, not %s", o.describe())
	case o.kind != number && o.kind != duration:
		return o, fmt.Errorf("%s wants a number or a duration, not %s", op[:1], o.describe())
	case op == negate:
		o.num, o.dur, o.source = -o.num, -o.dur, ""
	}
	return o, nil
}

func (e *evaluation) binary(op string, left, right *expression) (operand, error) {
	a, err := e.eval(left)
	if err != nil {
		return a, err
	}
	// The right side may be what makes no sense where the left one decides: n > 0 and 1 / n.
	if a.kind == truth && (op == "and" && !a.yes || op == "or" && a.yes) {
		return a, nil
	}
	b, err := e.eval(right)
	if err != nil {
		return b, err
	}
	switch {
	case op == "==" || op == "!=":
		return equality(op, a, b)
	case a.kind == nothing || b.kind == nothing:
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

func (e *evaluation) choice(args []*expression) (operand, error) {
	c, err := e.eval(args[0])
	switch {
	case err != nil || c.kind == nothing:
		return c, err
	case c.kind != truth:
		return c, fmt.Errorf("? wants true or false before it, not %s", c.describe())
	case c.yes:
		return e.eval(args[1])
	}
	return e.eval(args[2])
}

func (e *evaluation) listing(items []*expression) (operand, error) {
	o := operand{kind: several}
	for _, n := range items {
		v, err := e.eval(n)
		if err != nil {
			return o, err
		}
		o.list = append(o.list, v)
	}
	return o, nil
}

func (e *evaluation) item(of, index *expression) (operand, error) {
	o, err := e.eval(of)
	if err != nil || o.kind == nothing {
		return o, err
	}
	i, err := e.eval(index)
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

func (e *evaluation) call(function string, args []*expression) (operand, error) {
	if !slices.Contains(functions, function) {
		return operand{}, fmt.Errorf("there is no function %s%s; %s", say.Clip(function), spell.DidYouMean(function, functions), theFunctions)
	}
	var operands []operand
	for _, arg := range args {
		o, err := e.eval(arg)
		if err != nil || o.kind == nothing {
			return o, err
		}
		operands = append(operands, o)
	}
	switch function {
	case "min", "max":
		return extreme(function, operands)
	}
	if len(operands) != 1 {
		return operand{}, fmt.Errorf("%s wants one value, not %d", function, len(operands))
	}
	o := operands[0]
	e.work += len(o.list)
	switch function {
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
		return o, fmt.Errorf("%s wants a number, not %s", function, o.describe())
	}
	compute := map[string]func(float64) float64{"ceil": math.Ceil, "floor": math.Floor, "log2": math.Log2, "round": math.Round}[function]
	return inBounds(operand{kind: number, num: compute(o.num)})
}

func extreme(function string, operands []operand) (operand, error) {
	if len(operands) == 0 {
		return operand{}, fmt.Errorf("%s wants at least one value", function)
	}
	best := operands[0]
	for _, o := range operands {
		if o.kind != best.kind || o.kind != number && o.kind != duration {
			return o, fmt.Errorf("%s wants numbers or durations, not %s and %s", function, best.describe(), o.describe())
		}
		if less := o.num < best.num || o.dur < best.dur; less == (function == "min") && (o.num != best.num || o.dur != best.dur) {
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
