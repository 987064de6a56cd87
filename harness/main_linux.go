package harness

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"halfopen/harness/internal/actor"
	"halfopen/harness/internal/sandbox"
	"halfopen/internal/monitor"
	"halfopen/internal/say"
)

// The names (argv[0]) under which the program runs itself again, see [titled].
const (
	roleLab   = "halfopen-lab"
	roleActor = "halfopen-actor"
	roleTrial = "halfopen-trial"
	roleVisit = "halfopen-visit"
)

// titleMark is between a role and what ps shows of the process.
const titleMark = ": "

// titled returns the name of a process with its role, so that ps shows which one it is:
// "halfopen-actor: worker on server".
func titled(role, title string) string { return role + titleMark + say.Printable(say.Clip(title)) }

// mainCalled is set by Main. A program that starts labs without it would run its own main function
// again in each, and start labs there.
var mainCalled atomic.Bool

// Main must be the first call in the main function of a program that calls [Run]. In a process that
// Run started, as a lab or an actor, Main does that work and never returns. In any other it does
// nothing.
func Main() {
	mainCalled.Store(true)
	if len(os.Args) != 1 {
		return
	}
	if err := sandbox.AwaitMaps(controlFD); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
	role, _, _ := strings.Cut(os.Args[0], titleMark)
	if role != roleLab && role != roleActor && role != roleTrial && role != roleVisit {
		return
	}
	// ps -e and top show this name, of at most 15 bytes; else it would be "exe".
	_ = os.WriteFile("/proc/self/comm", []byte(role), 0)
	// Programs must hold neither the lab's pipes nor what the caller of the command had open: a folder
	// of the machine, for one, could be written to.
	sandbox.CloseOnExec()
	// The runtime's poller waits for pipes that do not block; for others, a thread does.
	_ = syscall.SetNonblock(3, true)
	_ = syscall.SetNonblock(4, true)
	if role != roleActor {
		sandbox.Endure()    // an actor learns first which signals it may get
		_ = monitor.Relax() // without the privilege, the process takes more processor time
	}
	switch role {
	case roleLab:
		control, events := os.NewFile(controlFD, "control"), os.NewFile(4, "events")
		runLab(control, events)
		os.Exit(0)
	case roleTrial:
		control, events := os.NewFile(controlFD, "control"), os.NewFile(4, "events")
		runTrial(control, events)
		os.Exit(0)
	case roleVisit:
		if err := actor.ServeVisit(os.NewFile(actor.VisitOrder, "order")); err != nil {
			fmt.Fprintln(os.Stderr, "visit:", err)
			os.Exit(1)
		}
		os.Exit(0)
	case roleActor:
		commands, reports := os.NewFile(3, "commands"), os.NewFile(4, "reports")
		if err := actor.Serve(commands, reports); err != nil {
			fmt.Fprintln(os.Stderr, "actor:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}
