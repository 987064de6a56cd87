package language

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
	"halfopen/internal/say"
)

// ConfigName is the name of a file with defaults for the scenarios of its folder, and of those below it.
const ConfigName = "halfopen.yaml"

// Config is what such a file sets: defaults for flags of halfopen run, by their names. Flags that open
// the machine to programs, such as --writable, or that are for one command, are not among them.
type Config struct {
	Jobs      AtLeastOne   `json:"jobs,omitzero" jsonschema_description:"How many runs go on at once."`
	Repeat    AtLeastOne   `json:"repeat,omitzero" jsonschema_description:"How often each case is run."`
	Seed      *Seed        `json:"seed,omitempty" jsonschema_description:"The seed of everything random."`
	Kernel    []KernelName `json:"kernel,omitempty" jsonschema_description:"The kernels to run on, by their versions; running is this machine."`
	Warp      *bool        `json:"warp,omitempty" jsonschema_description:"Run everything in warped time."`
	Long      *bool        `json:"long,omitempty" jsonschema_description:"Also run scenarios of 20 s or longer, in real time."`
	Tag       []string     `json:"tag,omitempty" jsonschema_description:"Only scenarios with all of these tags."`
	Report    []ReportPath `json:"report,omitempty" jsonschema_description:"Also write the results to files: FORMAT=PATH, with a path below the folder of this file."`
	Out       ConfigPath   `json:"out,omitempty" jsonschema_description:"Store the runs in this directory, below the folder of this file."`
	Format    string       `json:"format,omitempty" jsonschema_description:"The format of the output."`
	Verbose   *bool        `json:"verbose,omitempty" jsonschema_description:"Also print passed runs in detail."`
	Quiet     *bool        `json:"quiet,omitempty" jsonschema_description:"Print only failures and the last line."`
	FailFast  *bool        `json:"fail-fast,omitempty" jsonschema_description:"End with the first run that does not pass."`
	KeepGoing *bool        `json:"keep-going,omitempty" jsonschema_description:"Run the other scenarios if a file is wrong."`
	MaxTime   PositiveTime `json:"max-time,omitempty" jsonschema_description:"End after this time, such as 10m."`
	NoSkip    *bool        `json:"no-skip,omitempty" jsonschema_description:"Count a skipped run as a failure."`
	NoRepeat  *bool        `json:"no-repeat,omitempty" jsonschema_description:"Leave inconclusive runs as they are."`
	NoExec    *bool        `json:"no-exec,omitempty" jsonschema_description:"Refuse scenarios that run programs."`

	d *decode.Decoder
	// path is the name of the file, dir its folder.
	path, dir string
}

// LoadConfig reads a file of defaults. The error has all mistakes of the file.
func LoadConfig(path string) (*Config, error) {
	src, err := read(path, "defaults")
	if err != nil {
		return nil, err
	}
	keys := decode.Keys(reflect.TypeFor[Config]())
	root, err := document(path, src, "mapping of defaults", say.List(keys))
	if err != nil {
		return nil, err
	}
	c := &Config{d: &decode.Decoder{File: path}, path: path, dir: filepath.Dir(path)}
	if alias := firstAlias(root); alias != nil {
		return nil, &Error{Pos{path, alias.Line, alias.Column}, code.Errorf(code.Unsupported,
			"aliases are not supported here; write the value out")}
	}
	c.d.Value(root, reflect.ValueOf(c).Elem())
	c.checkPaths()
	if err := joinErrors(errorsOf(c.d.Mistakes())); err != nil {
		return nil, err
	}
	return c, nil
}

// firstAlias returns the first alias in a document, or nil.
func firstAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n
	}
	for _, c := range n.Content {
		if alias := firstAlias(c); alias != nil {
			return alias
		}
	}
	return nil
}

// Default is a flag of halfopen run and the values that a file sets it to, each with its place.
type Default struct {
	Flag   string
	Values []string
	Places []Pos
}

// Defaults returns what the file sets, in the order of the keys of [Config].
func (c *Config) Defaults() []Default {
	var all []Default
	v := reflect.ValueOf(c).Elem()
	for _, f := range decode.Fields(v.Type()) {
		field := v.FieldByIndex(f.Index)
		if field.Kind() == reflect.Pointer {
			if field.IsNil() {
				continue
			}
			field = field.Elem()
		}
		place, set := c.d.Place(field.Addr().Interface())
		if !set {
			continue
		}
		s := Default{Flag: f.Key}
		if field.Kind() != reflect.Slice {
			s.Values, s.Places = []string{c.text(field)}, []Pos{Pos(place)}
			all = append(all, s)
			continue
		}
		for i := range field.Len() {
			place, _ := c.d.Place(field.Index(i).Addr().Interface())
			s.Values, s.Places = append(s.Values, c.text(field.Index(i))), append(s.Places, Pos(place))
		}
		if len(s.Values) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// text returns a value as a flag takes it. Paths are relative to the folder of the file.
func (c *Config) text(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case ReportPath:
		format, path, hasPath := strings.Cut(string(value), "=")
		if !hasPath {
			return format
		}
		return format + "=" + filepath.Join(c.dir, path)
	case ConfigPath:
		return filepath.Join(c.dir, string(value))
	case PositiveTime:
		return time.Duration(value).String()
	}
	return fmt.Sprint(v.Interface())
}

// checkPaths reports paths that leave the folder of the file: whoever runs a scenario of a stranger does
// not expect that its folder writes elsewhere.
func (c *Config) checkPaths() {
	if _, set := c.d.Place(&c.Out); set {
		c.checkPath(&c.Out, "out", string(c.Out))
	}
	for i := range c.Report {
		if _, path, hasPath := strings.Cut(string(c.Report[i]), "="); hasPath {
			c.checkPath(&c.Report[i], "report", path)
		}
	}
}

func (c *Config) checkPath(field any, key, path string) {
	place, _ := c.d.Place(field)
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) || filepath.Clean(local) == "." {
		c.d.ErrorAt(code.InvalidPath, place, "%s: invalid path %q: want one below the folder of this file, such as out",
			key, say.Clip(path))
		return
	}
	root, err := filepath.EvalSymlinks(c.dir)
	if err != nil {
		c.d.ErrorAt(code.InvalidPath, place, "%s: %v", key, err)
		return
	}
	// What is there already may lead elsewhere.
	at := root
	for _, name := range strings.Split(filepath.Clean(local), string(filepath.Separator)) {
		at = filepath.Join(at, name)
		info, err := os.Lstat(at)
		if err != nil {
			return // nothing is there; what is made is a plain file or directory
		}
		if info.Mode()&os.ModeSymlink != 0 {
			c.d.ErrorAt(code.InvalidPath, place, "%s: %q is a symbolic link; want a path without one",
				key, say.Clip(name))
			return
		}
	}
	if here, err := os.Stat(at); err == nil {
		if file, err := os.Stat(c.path); err == nil && os.SameFile(here, file) {
			c.d.ErrorAt(code.InvalidPath, place, "%s: %q is this file; want another", key, say.Clip(path))
		}
	}
}

// AtLeastOne is a number, 1 or more.
type AtLeastOne int

// Set parses a number.
func (n *AtLeastOne) Set(text string) error {
	i, err := strconv.ParseInt(text, 10, 32)
	if err != nil || i < 1 {
		return code.Errorf(code.OutOfRange, "invalid number %q: want 1 or more", say.Clip(text))
	}
	*n = AtLeastOne(i)
	return nil
}

// Seed is the seed of everything random in a run.
type Seed uint64

// Set parses a number.
func (s *Seed) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return code.Errorf(code.OutOfRange, "invalid seed %q: want a whole number of 64 bits, 0 or more", say.Clip(text))
	}
	*s = Seed(n)
	return nil
}

// PositiveTime is a duration of more than 0.
type PositiveTime time.Duration

// Set parses a duration with a unit.
func (t *PositiveTime) Set(text string) error {
	d, err := parseDuration(text)
	if err == nil && d == 0 {
		err = code.Errorf(code.OutOfRange, "invalid duration %q: want more than 0", say.Clip(text))
	}
	*t = PositiveTime(d)
	return err
}

// KernelName is the version of a kernel, or its beginning, or running.
type KernelName string

// Set takes a version. The path of a kernel is for the command line: it boots what it names.
func (k *KernelName) Set(text string) error {
	if text == "" || strings.ContainsAny(text, `/\`) {
		return code.Errorf(code.InvalidValue,
			"invalid kernel %q: want a version, such as 6.12, or running; give the path of one on the command line",
			say.Clip(text))
	}
	*k = KernelName(text)
	return nil
}

// ReportPath is a format and the path of a file.
type ReportPath string

// Set takes FORMAT=PATH, or a format that needs no path. Which formats there are is for others to know.
func (r *ReportPath) Set(text string) error {
	format, path, hasPath := strings.Cut(text, "=")
	if format == "" || hasPath && path == "" {
		return code.Errorf(code.InvalidValue, "invalid report %q: want FORMAT=PATH, such as junit=out/junit.xml",
			say.Clip(text))
	}
	*r = ReportPath(text)
	return nil
}

// ConfigPath is a path below the folder of the file that has it.
type ConfigPath string
