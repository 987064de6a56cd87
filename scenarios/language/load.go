package language

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/plainfile"
	"halfopen/internal/say"
)

// The limits of a scenario file. No file that a person writes comes near them, and a hostile file
// within them costs little.
const (
	// MaxFileSize is the maximum length of a file in bytes.
	MaxFileSize = 1 << 20
	// MaxNodes is the maximum number of YAML nodes of one case, with aliases and parameters
	// replaced.
	MaxNodes = 100_000
	// MaxCases is the maximum number of cases.
	MaxCases = 1000

	// maxDepth is the maximum depth of nested lists and mappings.
	maxDepth = 100
	// maxTotalNodes bounds the nodes of all cases together, maxText the bytes of text that
	// parameters add to one case.
	maxTotalNodes = 2_000_000
	maxText       = 4 << 20
)

// File is a scenario file as written: its cases are known, its parameters are not yet replaced.
// [File.Expand] returns its scenarios.
type File struct {
	// Folder is the folder of the library that the file is in, such as handshake; "" for any other
	// file.
	Folder string
	// Name, Title, Teaches and Tags are as written: a ${parameter} in them is not replaced.
	Name    string
	Title   string
	Teaches string
	Tags    []string
	// IP lists the IP versions to run on; v4 if the file does not say.
	IP []Family
	// Cases are the labels of the cases in order; empty if the file has no cases.
	Cases []string
	// Params are the names of the parameters, in the order of their first appearance in the file.
	Params []string
	// Path is the name of the file in positions.
	Path string
	// Dir is the directory of the file, as an absolute path; "" if the text is not from a file. See
	// [Scenario.Dir].
	Dir string
	// Source is the text of the file.
	Source []byte

	// Held is set by whoever holds the lab and works there, such as a Go test. [File.Expand] then wants
	// neither actors nor expectations.
	Held bool
	// Awaits are events that whoever holds the lab may wait for, see [Scenario.Awaits].
	Awaits []EventRef

	root *yaml.Node
	// names has the first key of each parameter, for its position.
	names map[string]*yaml.Node
	// defaults and rows are the params and cases as written.
	defaults []param
	rows     []row
	// chosen are the faults that only some cases of the matrix have.
	chosen []string
}

// dispensable returns the required keys that are not in the file and need not be.
func (f *File) dispensable() []string {
	if !f.Held {
		return nil
	}
	var keys []string
	for _, key := range []string{"actors", "expect"} {
		if !f.has(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// has reports whether the file has a key.
func (f *File) has(key string) bool {
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		if f.root.Content[i].Value == key {
			return true
		}
	}
	return false
}

// param is a parameter and its value, a node so that the value keeps its type.
type param struct {
	name  string
	value *yaml.Node
}

// row is one row of the cases.
type row struct {
	pos   *yaml.Node
	label string
	named bool
	// ofMatrix is set for a combination of a matrix. Its params are those of the matrix, in its order.
	ofMatrix bool
	params   []param
}

// Load reads a scenario file. It reports mistakes in the syntax, the params and the cases;
// [File.Expand] reports those in the scenario itself. If the file cannot be read, the error wraps
// that of package os. Pipes and devices are refused.
func Load(path string) (*File, error) {
	src, err := read(path, "scenario")
	if err != nil {
		return nil, err
	}
	f, err := Parse(path, src)
	if err != nil {
		return nil, err
	}
	if f.Dir, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("reading the scenario %s: %w", path, err)
	}
	return f, nil
}

// read reads a file, up to a byte more than is allowed.
func read(path, what string) ([]byte, error) {
	opened, err := plainfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", what, err)
	}
	defer opened.Close()
	src, err := io.ReadAll(io.LimitReader(opened, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading the %s %s: %w", what, path, err)
	}
	return src, nil
}

// Parse parses a scenario file that is already in memory; name is its name in positions.
func Parse(name string, src []byte) (*File, error) {
	root, err := document(name, src, "scenario", "name, title, hosts, actors and expect")
	if err != nil {
		return nil, err
	}
	f := &File{Path: name, Source: src, root: root}
	d := newDecoder(name)
	f.head(d)
	f.table(d)
	if err := joinErrors(d.errors()); err != nil {
		return nil, err
	}
	return f, nil
}

// document parses a file that holds one mapping. For messages, what says what it is, and keys some of
// its keys.
func document(name string, src []byte, what, keys string) (*yaml.Node, error) {
	fail := func(line int, c code.Code, format string, args ...any) error {
		pos := Pos{File: name}
		if line > 0 {
			pos = Pos{name, line, 1}
		}
		return &Error{pos, code.Errorf(c, format, args...)}
	}
	if len(src) > MaxFileSize {
		return nil, fail(0, code.LimitExceeded, "the file is too long: want at most 1 MiB")
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(src))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fail(0, code.MissingValue, "the file is empty: want a %s", what)
		}
		pos, problem := yamlProblem(err, src)
		pos.File = name
		return nil, &Error{pos, problem}
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fail(max(second.Line, 1), code.InvalidYAML,
			"a second YAML document starts here; a file holds one %s", what)
	}
	if err := measure(name, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fail(1, code.WrongType, "want a mapping here, with the keys %s", keys)
	}
	return doc.Content[0], nil
}

// measure reports a document that is too deep, or too large with its aliases replaced. It does not
// replace them.
func measure(file string, doc *yaml.Node) error {
	sizes := map[*yaml.Node]int{}
	var walk func(n *yaml.Node, depth int) (int, *Error)
	walk = func(n *yaml.Node, depth int) (int, *Error) {
		at := func(c code.Code, format string, args ...any) *Error {
			return &Error{Pos{file, n.Line, n.Column}, code.Errorf(c, format, args...)}
		}
		if depth > maxDepth {
			return 0, at(code.LimitExceeded,
				"lists and mappings are nested too deep: want at most %d levels", maxDepth)
		}
		if n.Style&yaml.TaggedStyle != 0 &&
			(!strings.HasPrefix(n.ShortTag(), "!!") || n.Tag == decode.BadTag) {
			return 0, at(code.Unsupported, "unsupported tag %s: remove it", say.Clip(n.Tag))
		}
		if size, done := sizes[n]; done {
			if size == 0 {
				return 0, at(code.CircularValue, "the alias stands for a value that contains it; write the value out")
			}
			return size, nil
		}
		sizes[n] = 0
		total := 1
		children := n.Content
		if n.Kind == yaml.AliasNode {
			children = []*yaml.Node{n.Alias}
		}
		for _, c := range children {
			size, err := walk(c, depth+1)
			if err != nil {
				return 0, err
			}
			if total += size; total > MaxNodes {
				return 0, at(code.LimitExceeded,
					"too many YAML nodes: want at most %d, with aliases replaced", MaxNodes)
			}
		}
		sizes[n] = total
		return total, nil
	}
	if _, err := walk(doc, 0); err != nil {
		return err
	}
	return nil
}

// resolve returns the node that an alias stands for, and any other node unchanged.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// entry returns the value of a key of the file, or nil.
func (f *File) entry(key string) *yaml.Node {
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		if f.root.Content[i].Value == key {
			return resolve(f.root.Content[i+1])
		}
	}
	return nil
}

// head reads the keys that a list of scenarios shows. It reports no mistakes in them: Expand
// decodes the same keys again and reports them.
func (f *File) head(d *decoder) {
	text := func(key string) string {
		if n := f.entry(key); n != nil && decode.IsScalar(n) {
			return n.Value
		}
		return ""
	}
	f.Name, f.Title, f.Teaches = text("name"), text("title"), text("teaches")
	if n := f.entry("tags"); n != nil {
		for _, c := range n.Content {
			f.Tags = append(f.Tags, resolve(c).Value)
		}
	}
	f.IP = []Family{V4}
	if n := f.entry("ip"); n != nil {
		var ip []Family
		if isAliasFree(n) {
			d.Value(n, reflect.ValueOf(&ip).Elem())
		}
		if len(ip) > 0 {
			f.IP = ip
		}
		if len(slices.Compact(slices.Sorted(slices.Values(ip)))) < len(ip) {
			d.Errorf(code.DuplicateEntry, n, "ip: a family is listed twice; keep one")
		}
	}
}

func isAliasFree(n *yaml.Node) bool {
	return n.Kind != yaml.AliasNode &&
		!slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return !isAliasFree(c) })
}
