// Package expr computes the expressions of scenario files, which stand in ${...}: arithmetic on
// numbers and durations, comparisons, lists, and a choice between two values.
//
//	expression = condition [ "?" expression ":" expression ]
//	condition  = values joined by: or || | and && | not ! | == != < <= > >= | + - | * / %
//	           | - + before a value | ^ **
//	value      = number | duration | "text" | true | false | nil | name
//	           | function "(" expression, ... ")" | "[" expression, ... "]"
//	           | "(" expression ")" | value "[" expression "]"
//
// The operators are listed from the loosest to the closest binding. They group to the left, except
// for ^. A duration can be added to a duration, multiplied and divided by a number, and divided by
// a duration. The functions are abs, ceil, floor, len, log2, max, min, round and sum.
//
// [Parse] reads an expression, [Expression.Evaluate] computes it with the values of its names. The
// caller decides where values come from and where they go: the package knows neither YAML nor the
// language of scenarios.
//
// # Why not a library
//
// The grammar is that of expr-lang/expr without its loops. Here durations are literals, a value
// that is ~ leaves out the key it was meant for, and an error names the character it is at. Nothing
// can loop, and an expression has at most 500 characters, so a hostile file costs little. The
// library also has a price in each process of a run: in a review of this program its parser and
// machine added 2.35 MB to a stripped binary (3.3 MB with symbols), 1.7 ms to the start and 1.9 MB
// to the resident memory.
package expr
