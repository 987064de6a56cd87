package language

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// expression is the arithmetic within ${...}, read but not yet computed. It is a tree: an operator, a function or a value
// with what it works on.
//
//	expression = condition [ "?" expression ":" expression ]
//	condition  = values joined by: or || | and && | not ! | == != < <= > >= | + - | * / % | - + before a value | ^ **
//	value      = number | duration | "text" | true | false | nil | name | function "(" expression, ... ")"
//	           | "[" expression, ... "]" | "(" expression ")" | value "[" expression "]"
//
// The operators bind from the loosest to the closest as they stand here, to the left, but for ^. Nothing in it can loop.
//
// This is the grammar of expr-lang/expr, less what loops, with durations as literals. That library's parser was used, and
// left out: it brings a whole language with it, 5 MB of program and 3 MB of memory in the processes of a run.
type expression struct {
	op   operator
	name string
	args []*expression
	// value is that of a literal.
	value operand
}

// operator is what a node of an expression does: one of these, or the text of a binary operator.
type operator string

const (
	literal operator = "literal"
	name    operator = "name"
	call    operator = "call"
	listing operator = "[...]"
	item    operator = "[]"
	choice  operator = "?"
	negate  operator = "-x"
	affirm  operator = "+x"
	not     operator = "not"
)

// maxExpression is the length of an expression in bytes.
const maxExpression = 500

// token finds the parts of an expression, white space left out.
var token = regexp.MustCompile(`^(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|` +
	`((?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+\b|[0-9]+(?:\.[0-9]+)?)|` +
	`([A-Za-z_][A-Za-z0-9_]*)|(==|!=|<=|>=|&&|\|\||\*\*|[-+*/%^<>!?:,()[\]]))`)

// The classes of tokens, as token has them in its groups.
const (
	end = iota
	quoted
	numeral
	word
	sign
)

// grammar reads an expression.
type grammar struct {
	source string
	// class and text are of the next token, which begins at the byte at; rest is what follows it.
	class    int
	text     string
	at, rest int
	err      error
}

// parseExpression reads an expression. The error is the reason, without the expression.
func parseExpression(source string) (*expression, error) {
	if len(source) > maxExpression {
		return nil, fmt.Errorf("it is longer than %d characters", maxExpression)
	}
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("it is empty")
	}
	g := &grammar{source: source}
	g.next()
	e := g.expression()
	if g.class != end {
		g.unexpected()
	}
	return e, g.err
}

// next moves on to the next token. After an error there is none.
func (g *grammar) next() {
	for g.rest < len(g.source) && strings.ContainsRune(" \t\n", rune(g.source[g.rest])) {
		g.rest++
	}
	g.class, g.text, g.at = end, "", g.rest
	if g.err != nil || g.rest == len(g.source) {
		return
	}
	groups := token.FindStringSubmatchIndex(g.source[g.rest:])
	if groups == nil {
		r, _ := utf8.DecodeRuneInString(g.source[g.rest:])
		g.errorf("unexpected %q", r)
		return
	}
	for class := quoted; class <= sign; class++ {
		if from, to := groups[2*class], groups[2*class+1]; from >= 0 {
			g.class, g.text = class, g.source[g.rest+from:g.rest+to]
		}
	}
	g.rest += groups[1]
}

func (g *grammar) errorf(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format+" at character %d", append(args, utf8.RuneCountInString(g.source[:g.at])+1)...)
	}
	g.class = end
}

func (g *grammar) unexpected() {
	if g.class == end && g.err == nil {
		g.err = errors.New("it ends too early")
	}
	g.errorf("unexpected %q", g.text)
}

// take moves past the token, if it is one of those, and returns it.
func (g *grammar) take(texts ...string) (string, bool) {
	text := g.text
	if g.class != sign && g.class != word || !slices.Contains(texts, text) {
		return "", false
	}
	g.next()
	return text, true
}

func (g *grammar) want(text string) {
	if _, ok := g.take(text); !ok {
		g.unexpected()
	}
}

func (g *grammar) expression() *expression {
	e := g.binary(0)
	if _, ok := g.take("?"); ok {
		yes := g.expression()
		g.want(":")
		return &expression{op: choice, args: []*expression{e, yes, g.expression()}}
	}
	return e
}

// levels are the binary operators, from those that bind loosest; not stands between and and the comparisons.
var levels = [][]string{{"or", "||"}, {"and", "&&"}, {"==", "!=", "<", "<=", ">", ">="}, {"+", "-"}, {"*", "/", "%"}}

// synonyms are the second spellings of operators.
var synonyms = map[string]string{"||": "or", "&&": "and", "**": "^"}

func (g *grammar) binary(level int) *expression {
	if level == len(levels) {
		return g.unary()
	}
	if level == 2 {
		if _, ok := g.take("not", "!"); ok {
			return &expression{op: not, args: []*expression{g.binary(level)}}
		}
	}
	left := g.binary(level + 1)
	for {
		op, ok := g.take(levels[level]...)
		if !ok {
			return left
		}
		if other, ok := synonyms[op]; ok {
			op = other
		}
		left = &expression{op: operator(op), args: []*expression{left, g.binary(level + 1)}}
	}
}

func (g *grammar) unary() *expression {
	switch op, _ := g.take("-", "+"); op {
	case "-":
		return &expression{op: negate, args: []*expression{g.unary()}}
	case "+":
		return &expression{op: affirm, args: []*expression{g.unary()}}
	}
	base := g.value()
	if _, ok := g.take("^", "**"); ok {
		return &expression{op: "^", args: []*expression{base, g.unary()}}
	}
	return base
}

func (g *grammar) value() *expression {
	e := g.atom()
	for {
		if _, ok := g.take("["); !ok {
			return e
		}
		e = &expression{op: item, args: []*expression{e, g.expression()}}
		g.want("]")
	}
}

func (g *grammar) atom() *expression {
	text := g.text
	switch g.class {
	case quoted:
		g.next()
		return &expression{op: literal, value: operandOfText(unquote.ReplaceAllString(text[1:len(text)-1], "$1"))}
	case numeral:
		value := operandOfText(text)
		if value.kind == plainText {
			g.errorf("%s is out of bounds", text)
			return nil
		}
		value.source = ""
		g.next()
		return &expression{op: literal, value: value}
	case word:
		g.next()
		switch text {
		case "true", "false":
			return &expression{op: literal, value: operandOfText(text)}
		case "nil":
			return &expression{op: literal}
		}
		if _, ok := g.take("("); ok {
			return &expression{op: call, name: text, args: g.until(")")}
		}
		return &expression{op: name, name: text}
	}
	if _, ok := g.take("("); ok {
		e := g.expression()
		g.want(")")
		return e
	}
	if _, ok := g.take("["); ok {
		return &expression{op: listing, args: g.until("]")}
	}
	g.unexpected()
	return nil
}

// unquote takes the backslash from before a quoted character.
var unquote = regexp.MustCompile(`\\(.)`)

// until reads expressions with commas between them, up to the closing mark.
func (g *grammar) until(closing string) []*expression {
	var args []*expression
	if _, ok := g.take(closing); ok {
		return nil
	}
	for g.err == nil {
		args = append(args, g.expression())
		if _, ok := g.take(","); !ok {
			g.want(closing)
			break
		}
	}
	return args
}
