package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// stateOf says what the kernel shows of a lab that does not answer, as the end of a sentence that
// begins with "; ". It is "" if there is nothing to say, or /proc does not show it.
func stateOf(pid1 int) string {
	if stopped(pid1) {
		return "; its PID 1 is stopped"
	}
	programs := programsOf(pid1)
	if len(programs) == 0 {
		return ""
	}
	return fmt.Sprintf("; its latest program is %q", programs[len(programs)-1])
}

// stopped reports whether a signal or a debugger has stopped a process.
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The name of the program may contain anything, so the state is after its last parenthesis.
	state := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
	return len(state) > 0 && (state[0] == 'T' || state[0] == 't')
}

// programsOf returns the command lines of the children of a process that are not actors, the latest
// last.
func programsOf(pid int) []string {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is valid
	var children []int
	for _, list := range lists {
		text, _ := os.ReadFile(list) // "" if the thread has ended
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	slices.Sort(children)
	var programs []string
	for _, child := range children {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
		if err != nil || len(line) == 0 { // a zombie has none
			continue
		}
		args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		if args[0] != roleActor {
			programs = append(programs, shortened(strings.Join(args, " ")))
		}
	}
	return programs
}

// shortened returns at most the first 200 bytes of a text.
func shortened(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
