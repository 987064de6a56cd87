package language

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"halfopen/internal/code"
	"halfopen/internal/decode"
)

// Ready says when a program that runs beside is ready. Exactly one of the fields but Within is set.
type Ready struct {
	Listens ListenPorts `json:"listens,omitempty" jsonschema_description:"Ports of TCP or UDP, one or a list: sockets of its host listen there, or are bound for datagrams; any: one socket on any port. No packet is sent."`
	Prints  string      `json:"prints,omitempty" jsonschema_description:"A regular expression (RE2): a line of its standard output or standard error matches."`
	Exec    []string    `json:"exec,omitempty" jsonschema_description:"A program and its arguments, or a text for sh -c: it exits with 0. It is run again and again."`
	File    string      `json:"file,omitempty" jsonschema_description:"A path that exists, absolute or below the working directory of the program."`
}

// ListenPorts are the ports of sockets that must be there, all of them. A list with just [AnyPort] is
// met by one socket, whatever its port.
type ListenPorts []int

// AnyPort stands for any port in [ListenPorts], written any. No file can have this number.
const AnyPort = -1

// Any reports whether one socket on any port is enough.
func (l ListenPorts) Any() bool { return len(l) == 1 && l[0] == AnyPort }

// listenPorts reads any, a port, or a list of ports.
func (d *decoder) listenPorts(n *yaml.Node, l *ListenPorts) {
	if decode.IsScalar(n) && n.Value == anyWord {
		*l = ListenPorts{AnyPort}
		return
	}
	d.Plain(n, reflect.ValueOf(l).Elem())
	if slices.Contains(*l, AnyPort) {
		d.Errorf(code.InvalidPort, n, "invalid port %d: want 1 to 65535, or any", AnyPort)
	}
}

func listenPortsSchema(b *schemaBuilder, t reflect.Type) *jsonschema.Schema {
	return b.define(t.Name(), enumOf([]string{anyWord}), b.of(reflect.TypeFor[Ints]()))
}

// readyWithin is how long a program has to get ready if nothing else is said. mostReadyWithin is the
// longest time that can be said.
const (
	readyWithin     = 10 * time.Second
	mostReadyWithin = 2 * time.Minute
)

func (r *Ready) check(v *validation, st *Step) {
	said := 0
	for _, is := range []bool{v.has(&r.Listens), r.Prints != "", v.has(&r.Exec), r.File != ""} {
		if is {
			said++
		}
	}
	if said != 1 {
		v.errorf(code.MissingKey, r, st.Pos, "ready: want one of listens, prints, exec and file")
		return
	}
	if v.has(&r.Listens) && len(r.Listens) == 0 {
		v.errorf(code.MissingValue, &r.Listens, st.Pos, "listens: want a port, or a list of ports")
	}
	for _, port := range r.Listens {
		if !r.Listens.Any() && port < 1 || port > maxPort {
			v.errorf(code.InvalidPort, &r.Listens, st.Pos,
				"invalid port %d: want 1 to 65535, or any", port)
		}
	}
	if _, err := regexp.Compile(r.Prints); err != nil {
		v.errorf(code.InvalidPattern, &r.Prints, st.Pos,
			"prints: want a regular expression (RE2): %v", err)
	}
	if v.has(&r.Exec) && (len(r.Exec) == 0 || r.Exec[0] == "") {
		v.errorf(code.MissingValue, &r.Exec, st.Pos, "exec: want a command, such as pg_isready")
	}
	if strings.ContainsRune(r.File, 0) {
		v.errorf(code.InvalidPath, &r.File, st.Pos, "file: the path has a NUL byte")
	}
}
