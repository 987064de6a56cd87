package expr

import (
	"fmt"
	"math"
	"slices"

	"halfopen/internal/code"
	"halfopen/internal/say"
	"halfopen/internal/spell"
)

// functions are the names of the functions.
var functions = []string{"abs", "ceil", "floor", "len", "log2", "max", "min", "round", "sum"}

// theFunctions lists the functions, for a message.
var theFunctions = "the functions are " + say.List(functions)

func (e *evaluation) call(function string, args []*Expression) (Value, error) {
	if !slices.Contains(functions, function) {
		return Value{}, code.Errorf(code.UnknownWord, "unknown function %s%s; %s",
			say.Clip(function), spell.DidYouMean(function, functions), theFunctions)
	}
	var operands []Value
	for _, arg := range args {
		o, err := e.eval(arg)
		if err != nil || o.kind == Nothing {
			return o, err
		}
		operands = append(operands, o)
	}
	switch function {
	case "min", "max":
		return extreme(function, operands)
	}
	if len(operands) != 1 {
		return Value{}, fmt.Errorf("%s wants one value, not %d", function, len(operands))
	}
	o := operands[0]
	e.work += len(o.list)
	switch function {
	case "len":
		if o.kind != List {
			return o, fmt.Errorf("len wants a list, not %s", o.Describe())
		}
		return Value{kind: Number, num: float64(len(o.list))}, nil
	case "sum":
		return sum(o)
	case "abs":
		if o.kind != Number && o.kind != Duration {
			return o, fmt.Errorf("abs wants a number or a duration, not %s", o.Describe())
		}
		o.num, o.dur, o.source = math.Abs(o.num), o.dur.Abs(), ""
		return o, nil
	}
	if o.kind != Number {
		return o, fmt.Errorf("%s wants a number, not %s", function, o.Describe())
	}
	compute := map[string]func(float64) float64{
		"ceil": math.Ceil, "floor": math.Floor, "log2": math.Log2, "round": math.Round,
	}[function]
	return inBounds(Value{kind: Number, num: compute(o.num)})
}

func extreme(function string, operands []Value) (Value, error) {
	if len(operands) == 0 {
		return Value{}, fmt.Errorf("%s wants at least one value", function)
	}
	best := operands[0]
	for _, o := range operands {
		if o.kind != best.kind || o.kind != Number && o.kind != Duration {
			return o, fmt.Errorf("%s wants numbers or durations, not %s and %s",
				function, best.Describe(), o.Describe())
		}
		if less := o.num < best.num || o.dur < best.dur; less == (function == "min") &&
			(o.num != best.num || o.dur != best.dur) {
			best = o
		}
	}
	return best, nil
}

func sum(o Value) (Value, error) {
	if o.kind != List {
		return o, fmt.Errorf("sum wants a list, not %s", o.Describe())
	}
	total := Value{kind: Number}
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
	if total.kind != Number && total.kind != Duration {
		return total, fmt.Errorf("sum wants numbers or durations, not %s", total.Describe())
	}
	return total, nil
}
