// Package pattern has regular expressions that are compiled when they are first used. A run starts
// this program for the lab and for each actor, and each of these processes needs only a few of the
// program's expressions. Compiling all of them takes a sixth of the start of a process.
package pattern

import (
	"regexp"
	"sync"
)

// Pattern is a regular expression. Its methods are those of [regexp.Regexp] of the same name. They
// may be called by several goroutines at once. Make it with [New].
type Pattern struct{ compiled func() *regexp.Regexp }

// New returns the pattern for an expression. If that is invalid, the first method called panics.
func New(expr string) Pattern {
	return Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })}
}

// MatchString reports whether the pattern matches somewhere in s.
func (p Pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }

// FindStringSubmatchIndex returns the positions of the first match in s and of its groups; nil if
// there is none.
func (p Pattern) FindStringSubmatchIndex(s string) []int {
	return p.compiled().FindStringSubmatchIndex(s)
}

// ReplaceAllString returns s with each match replaced by repl, in which $1 stands for the first group.
func (p Pattern) ReplaceAllString(s, repl string) string {
	return p.compiled().ReplaceAllString(s, repl)
}

// FindAllString returns the first n matches in s, or all of them if n is negative.
func (p Pattern) FindAllString(s string, n int) []string {
	return p.compiled().FindAllString(s, n)
}

// FindAllStringSubmatch returns the first n matches in s with their groups, or all if n is negative.
func (p Pattern) FindAllStringSubmatch(s string, n int) [][]string {
	return p.compiled().FindAllStringSubmatch(s, n)
}

// FindStringSubmatch returns the first match in s and its groups; nil if there is none.
func (p Pattern) FindStringSubmatch(s string) []string {
	return p.compiled().FindStringSubmatch(s)
}

// FindSubmatchIndex returns the positions of the first match in b and of its groups; nil if there is
// none.
func (p Pattern) FindSubmatchIndex(b []byte) []int {
	return p.compiled().FindSubmatchIndex(b)
}

// Match reports whether the pattern matches somewhere in b.
func (p Pattern) Match(b []byte) bool {
	return p.compiled().Match(b)
}

// ReplaceAllStringFunc returns s with each match replaced by the result of repl.
func (p Pattern) ReplaceAllStringFunc(s string, repl func(string) string) string {
	return p.compiled().ReplaceAllStringFunc(s, repl)
}

// FindAllStringIndex returns the positions of the first n matches in s, or of all if n is negative.
func (p Pattern) FindAllStringIndex(s string, n int) [][]int {
	return p.compiled().FindAllStringIndex(s, n)
}
