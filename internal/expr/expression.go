package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"halfopen/internal/pattern"
)

// Expression is a parsed expression: a tree of operators, functions and values.
type Expression struct {
	op   operator
	name string
	args []*Expression
	// value is the value of a literal.
	value Value
}

// operator is the operation of a node: one of these constants, or the text of a binary operator.
type operator string

const (
	opLiteral operator = "literal"
	opName    operator = "name"
	opCall    operator = "call"
	opList    operator = "[...]"
	opItem    operator = "[]"
	opChoice  operator = "?"
	opNegate  operator = "-x"
	opAffirm  operator = "+x"
	opNot     operator = "not"
)

// maxExpression is the greatest length of an expression in bytes.
const maxExpression = 500

// token matches one token. White space before it must have been skipped.
var token = pattern.New(`^(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|` +
	`((?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+\b|[0-9]+(?:\.[0-9]+)?)|` +
	`([A-Za-z_][A-Za-z0-9_]*)|(==|!=|<=|>=|&&|\|\||\*\*|[-+*/%^<>!?:,()[\]]))`)

// The classes of tokens are the numbers of the groups in token.
const (
	classEnd = iota
	classQuoted
	classNumeral
	classWord
	classSign
)

// grammar reads an expression.
type grammar struct {
	source string
	// class and text describe the next token, which begins at the byte at. rest is the offset of
	// the byte after it.
	class    int
	text     string
	at, rest int
	err      error
}

// Parse reads an expression: the text between the braces of ${...}. The error gives the reason, and
// does not quote the expression.
func Parse(source string) (*Expression, error) {
	if len(source) > maxExpression {
		return nil, fmt.Errorf("it is longer than %d characters", maxExpression)
	}
	if strings.TrimSpace(source) == "" {
		return nil, errors.New("it is empty")
	}
	g := &grammar{source: source}
	g.next()
	e := g.expression()
	if g.class != classEnd {
		g.unexpected()
	}
	return e, g.err
}

// next moves on to the next token, which is classEnd after an error.
func (g *grammar) next() {
	for g.rest < len(g.source) && strings.ContainsRune(" \t\n", rune(g.source[g.rest])) {
		g.rest++
	}
	g.class, g.text, g.at = classEnd, "", g.rest
	if g.err != nil || g.rest == len(g.source) {
		return
	}
	groups := token.FindStringSubmatchIndex(g.source[g.rest:])
	if groups == nil {
		r, _ := utf8.DecodeRuneInString(g.source[g.rest:])
		g.errorf("unexpected %q", r)
		return
	}
	for class := classQuoted; class <= classSign; class++ {
		if from, to := groups[2*class], groups[2*class+1]; from >= 0 {
			g.class, g.text = class, g.source[g.rest+from:g.rest+to]
		}
	}
	g.rest += groups[1]
}

func (g *grammar) errorf(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format+" at character %d",
			append(args, utf8.RuneCountInString(g.source[:g.at])+1)...)
	}
	g.class = classEnd
}

func (g *grammar) unexpected() {
	if g.class == classEnd && g.err == nil {
		g.err = errors.New("it ends too early")
	}
	g.errorf("unexpected %q", g.text)
}

// take moves past the token if it is one of texts, and returns it.
func (g *grammar) take(texts ...string) (string, bool) {
	text := g.text
	if g.class != classSign && g.class != classWord || !slices.Contains(texts, text) {
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

func (g *grammar) expression() *Expression {
	e := g.binary(0)
	if _, ok := g.take("?"); ok {
		yes := g.expression()
		g.want(":")
		return &Expression{op: opChoice, args: []*Expression{e, yes, g.expression()}}
	}
	return e
}

// levels are the binary operators, the loosest binding first. The operator not binds between "and"
// and the comparisons.
var levels = [][]string{
	{"or", "||"}, {"and", "&&"}, {"==", "!=", "<", "<=", ">", ">="}, {"+", "-"}, {"*", "/", "%"},
}

// synonyms are the second spellings of operators.
var synonyms = map[string]string{"||": "or", "&&": "and", "**": "^"}

func (g *grammar) binary(level int) *Expression {
	if level == len(levels) {
		return g.unary()
	}
	if level == 2 {
		if _, ok := g.take("not", "!"); ok {
			return &Expression{op: opNot, args: []*Expression{g.binary(level)}}
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
		left = &Expression{op: operator(op), args: []*Expression{left, g.binary(level + 1)}}
	}
}

func (g *grammar) unary() *Expression {
	switch op, _ := g.take("-", "+"); op {
	case "-":
		return &Expression{op: opNegate, args: []*Expression{g.unary()}}
	case "+":
		return &Expression{op: opAffirm, args: []*Expression{g.unary()}}
	}
	base := g.value()
	if _, ok := g.take("^", "**"); ok {
		return &Expression{op: "^", args: []*Expression{base, g.unary()}}
	}
	return base
}

func (g *grammar) value() *Expression {
	e := g.atom()
	for {
		if _, ok := g.take("["); !ok {
			return e
		}
		e = &Expression{op: opItem, args: []*Expression{e, g.expression()}}
		g.want("]")
	}
}

func (g *grammar) atom() *Expression {
	text := g.text
	switch g.class {
	case classQuoted:
		g.next()
		return &Expression{
			op: opLiteral, value: ParseValue(unquote.ReplaceAllString(text[1:len(text)-1], "$1")),
		}
	case classNumeral:
		value := ParseValue(text)
		if value.kind == Text {
			g.errorf("%s is out of bounds", text)
			return nil
		}
		value.source = ""
		g.next()
		return &Expression{op: opLiteral, value: value}
	case classWord:
		g.next()
		switch text {
		case "true", "false":
			return &Expression{op: opLiteral, value: ParseValue(text)}
		case "nil":
			return &Expression{op: opLiteral}
		}
		if _, ok := g.take("("); ok {
			return &Expression{op: opCall, name: text, args: g.until(")")}
		}
		return &Expression{op: opName, name: text}
	}
	if _, ok := g.take("("); ok {
		e := g.expression()
		g.want(")")
		return e
	}
	if _, ok := g.take("["); ok {
		return &Expression{op: opList, args: g.until("]")}
	}
	g.unexpected()
	return nil
}

// unquote matches a backslash and the character that it quotes.
var unquote = pattern.New(`\\(.)`)

// until reads expressions with commas between them, up to the closing mark.
func (g *grammar) until(closing string) []*Expression {
	var args []*Expression
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
