package language

import (
	"regexp"
	"strings"
	"time"
)

// Ready says when a program that runs beside is ready. Exactly one of the fields but Within is set.
type Ready struct {
	Listens Ints     `json:"listens,omitempty" jsonschema_description:"Ports of TCP or UDP, one or a list: sockets of its host listen there, or are bound for datagrams. No packet is sent."`
	Prints  string   `json:"prints,omitempty" jsonschema_description:"A regular expression (RE2): a line of its standard output or standard error matches."`
	Exec    []string `json:"exec,omitempty" jsonschema_description:"A program and its arguments, or a text for sh -c: it exits with 0. It is run again and again."`
	File    string   `json:"file,omitempty" jsonschema_description:"A path that exists, absolute or below the working directory of the program."`
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
		v.errorf(r, st.Pos, "ready: want one of listens, prints, exec and file")
		return
	}
	if v.has(&r.Listens) && len(r.Listens) == 0 {
		v.errorf(&r.Listens, st.Pos, "listens: want a port, or a list of ports")
	}
	for _, port := range r.Listens {
		if port < 1 || port > 65535 {
			v.errorf(&r.Listens, st.Pos, "invalid port %d: want 1 to 65535", port)
		}
	}
	if _, err := regexp.Compile(r.Prints); err != nil {
		v.errorf(&r.Prints, st.Pos, "prints: want a regular expression (RE2): %v", err)
	}
	if v.has(&r.Exec) && (len(r.Exec) == 0 || r.Exec[0] == "") {
		v.errorf(&r.Exec, st.Pos, "exec: want a command, such as pg_isready")
	}
	if strings.ContainsRune(r.File, 0) {
		v.errorf(&r.File, st.Pos, "file: the path has a NUL byte")
	}
}
