package expr

import (
	"fmt"
	"math"
	"time"
)

// evaluation computes an expression.
type evaluation struct {
	lookup func(name string) (Value, error)
	// work counts the steps taken and the items of the lists read.
	work int
}

// Evaluate computes the expression. lookup returns the value of a name; its error is returned as it
// is. An operand that is ~ makes the result ~, except for == and !=, so that the expression leaves
// out the same key as a ~ in its place. work counts the steps taken and the items of the lists
// read.
func (n *Expression) Evaluate(
	lookup func(name string) (Value, error),
) (v Value, work int, err error) {
	e := evaluation{lookup: lookup}
	v, err = e.eval(n)
	return v, e.work, err
}

func (e *evaluation) eval(n *Expression) (Value, error) {
	e.work++
	switch n.op {
	case opLiteral:
		return n.value, nil
	case opName:
		return e.lookup(n.name)
	case opCall:
		return e.call(n.name, n.args)
	case opList:
		return e.listing(n.args)
	case opItem:
		return e.item(n.args[0], n.args[1])
	case opChoice:
		return e.choice(n.args)
	case opNegate, opAffirm, opNot:
		return e.unary(n.op, n.args[0])
	}
	return e.binary(string(n.op), n.args[0], n.args[1])
}

func (e *evaluation) unary(op operator, arg *Expression) (Value, error) {
	o, err := e.eval(arg)
	if err != nil || o.kind == Nothing {
		return o, err
	}
	switch {
	case op == opNot && o.kind == Truth:
		o.yes = !o.yes
		return o, nil
	case op == opNot:
		return o, fmt.Errorf("not wants true or false, not %s", o.Describe())
	case o.kind != Number && o.kind != Duration:
		return o, fmt.Errorf("%s wants a number or a duration, not %s", op[:1], o.Describe())
	case op == opNegate:
		o.num, o.dur, o.source = -o.num, -o.dur, ""
	}
	return o, nil
}

func (e *evaluation) binary(op string, left, right *Expression) (Value, error) {
	a, err := e.eval(left)
	if err != nil {
		return a, err
	}
	// Skip the right side if the left one decides, since it may make no sense then: n > 0 and 1 /
	// n.
	if a.kind == Truth && (op == "and" && !a.yes || op == "or" && a.yes) {
		return a, nil
	}
	b, err := e.eval(right)
	if err != nil {
		return b, err
	}
	switch {
	case op == "==" || op == "!=":
		return equality(op, a, b)
	case a.kind == Nothing || b.kind == Nothing:
		return Value{}, nil
	}
	switch op {
	case "and", "or":
		if a.kind != Truth || b.kind != Truth {
			return Value{}, fmt.Errorf("%s wants true or false on both sides, not %s and %s",
				op, a.Describe(), b.Describe())
		}
		return b, nil
	case "<", "<=", ">", ">=":
		return comparison(op, a, b)
	}
	return arithmetic(op, a, b)
}

func equality(op string, a, b Value) (Value, error) {
	if a.kind == List || b.kind == List || a.kind == Mapping || b.kind == Mapping {
		return Value{}, fmt.Errorf("%s compares single values, not %s and %s",
			op, a.Describe(), b.Describe())
	}
	same := a.kind == b.kind && a.num == b.num && a.dur == b.dur && a.yes == b.yes && a.text == b.text
	return Value{kind: Truth, yes: same == (op == "==")}, nil
}

func comparison(op string, a, b Value) (Value, error) {
	if a.kind != b.kind || a.kind != Number && a.kind != Duration {
		return Value{}, fmt.Errorf("%s compares two numbers or two durations, not %s and %s",
			op, a.Describe(), b.Describe())
	}
	less, equal := a.num < b.num || a.dur < b.dur, a.num == b.num && a.dur == b.dur
	yes := map[string]bool{"<": less, "<=": less || equal, ">": !less && !equal, ">=": !less}[op]
	return Value{kind: Truth, yes: yes}, nil
}

// arithmetic computes a op b. A duration can be added to a duration, multiplied and divided by a
// number, and divided by a duration.
func arithmetic(op string, a, b Value) (Value, error) {
	wrong := func(wants string) (Value, error) {
		return Value{}, fmt.Errorf("%s wants %s, not %s and %s", op, wants, a.Describe(), b.Describe())
	}
	numbers, durations := a.kind == Number && b.kind == Number,
		a.kind == Duration && b.kind == Duration
	ofTime := func(nanoseconds float64) (Value, error) {
		if !(math.Abs(nanoseconds) <= float64(MaxDuration)) {
			return Value{}, fmt.Errorf("%s %s %s is longer than a year", a, op, b)
		}
		return Value{kind: Duration, dur: time.Duration(math.Round(nanoseconds))}, nil
	}
	ofNumber := func(f float64) (Value, error) { return inBounds(Value{kind: Number, num: f}) }
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
		case a.kind == Duration && b.kind == Number:
			return ofTime(float64(a.dur) * b.num)
		case a.kind == Number && b.kind == Duration:
			return ofTime(a.num * float64(b.dur))
		}
		return wrong("two numbers, or a number and a duration")
	case "/":
		if (numbers || a.kind == Duration) &&
			(b.kind == Number && b.num == 0 || durations && b.dur == 0) {
			return Value{}, fmt.Errorf("%s / %s divides by zero", a, b)
		}
		switch {
		case numbers:
			return ofNumber(a.num / b.num)
		case a.kind == Duration && b.kind == Number:
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
			return Value{}, fmt.Errorf("%s %% %s divides by zero", a, b)
		}
		return ofNumber(math.Mod(a.num, b.num))
	}
	if !numbers {
		return wrong("two numbers")
	}
	return ofNumber(math.Pow(a.num, b.num))
}

// inBounds refuses NaN, and numbers too large to be exact.
func inBounds(o Value) (Value, error) {
	if math.IsNaN(o.num) || math.Abs(o.num) > maxNumber {
		return o, fmt.Errorf("the result is not a number within ±%d", int64(maxNumber))
	}
	return o, nil
}

func (e *evaluation) choice(args []*Expression) (Value, error) {
	c, err := e.eval(args[0])
	switch {
	case err != nil || c.kind == Nothing:
		return c, err
	case c.kind != Truth:
		return c, fmt.Errorf("? wants true or false before it, not %s", c.Describe())
	case c.yes:
		return e.eval(args[1])
	}
	return e.eval(args[2])
}

func (e *evaluation) listing(items []*Expression) (Value, error) {
	o := Value{kind: List}
	for _, n := range items {
		v, err := e.eval(n)
		if err != nil {
			return o, err
		}
		o.list = append(o.list, v)
	}
	return o, nil
}

func (e *evaluation) item(of, index *Expression) (Value, error) {
	o, err := e.eval(of)
	if err != nil || o.kind == Nothing {
		return o, err
	}
	i, err := e.eval(index)
	switch {
	case err != nil || i.kind == Nothing:
		return i, err
	case o.kind != List:
		return o, fmt.Errorf("[] wants a list before it, not %s", o.Describe())
	case i.kind != Number || i.num != math.Trunc(i.num):
		return i, fmt.Errorf("[] wants a whole number inside, not %s", i.Describe())
	case i.num < 0 || i.num >= float64(len(o.list)):
		return i, fmt.Errorf("item [%s] is out of range: the list has length %d, counted from 0",
			i, len(o.list))
	}
	return o.list[int(i.num)], nil
}
