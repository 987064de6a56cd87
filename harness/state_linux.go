package harness

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// stateOf says what the kernel shows of a lab that does not answer, as the end of a sentence that
// begins with "; ". It is "" if there is nothing to say, or /proc does not show it.
func stateOf(pid1 int) string {
	if stopped(pid1) {
		return "; its PID 1 is stopped"
	}
	pid, program := latestProgram(pid1)
	switch {
	case program == "":
		return ""
	case stopped(pid):
		return fmt.Sprintf("; its latest program, %q, is stopped", program)
	}
	return fmt.Sprintf("; its latest program is %q", program)
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

// latestProgram returns the latest child of a process that is not an actor, and its command line; ""
// if there is none.
func latestProgram(pid int) (child int, command string) {
	children := childrenOf(pid)
	slices.Sort(children)
	for _, child := range slices.Backward(children) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
		if err != nil || len(line) == 0 { // a zombie has none
			continue
		}
		args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
		if !strings.HasPrefix(args[0], roleActor) && !strings.HasPrefix(args[0], roleVisit) {
			return child, shortened(strings.Join(args, " "))
		}
	}
	return 0, ""
}

// shortened returns at most the first 200 bytes of a text.
func shortened(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
