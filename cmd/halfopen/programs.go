package main

import (
	"fmt"
	"io"
	"strings"

	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// programsOf returns the steps of some runs that run programs, one for each command.
func programsOf(runs []*language.Scenario) []language.RunProgram {
	var all []language.RunProgram
	seen := map[string]bool{}
	for _, s := range runs {
		for _, p := range s.Programs() {
			if !seen[p.Command] {
				seen[p.Command] = true
				all = append(all, p)
			}
		}
	}
	return all
}

// refusePrograms returns an error that names the first step of some runs that runs a program, if one
// does.
func refusePrograms(runs []*language.Scenario) error {
	for _, p := range programsOf(runs) {
		return usagef("%s: step %s.%s runs a program, and --no-exec is set", p.Pos, p.Actor, p.Step)
	}
	return nil
}

// mostNamed bounds the commands that namePrograms names.
const mostNamed = 3

// namePrograms says in a line for each file that is not built in which programs it runs.
func namePrograms(runs []*language.Scenario, errs io.Writer) {
	files := map[string][]*language.Scenario{}
	var order []string
	for _, s := range runs {
		if s.Dir == "" {
			continue
		}
		if files[s.Pos.File] == nil {
			order = append(order, s.Pos.File)
		}
		files[s.Pos.File] = append(files[s.Pos.File], s)
	}
	for _, file := range order {
		programs := programsOf(files[file])
		if len(programs) == 0 {
			continue
		}
		var names []string
		for _, p := range programs[:min(len(programs), mostNamed)] {
			names = append(names, say.Clip(strings.Join(strings.Fields(p.Command), " ")))
		}
		more := ""
		if n := len(programs) - mostNamed; n > 0 {
			more = fmt.Sprintf("; and %d more, see halfopen check", n)
		}
		fmt.Fprintf(errs, "halfopen: %s runs programs: %s%s\n",
			say.Printable(file), say.Printable(strings.Join(names, "; ")), more)
	}
}
