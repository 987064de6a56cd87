// Command halfopen is a laboratory for TCP failures: it runs scenarios on real sockets between
// network namespaces and checks what the scenarios expect. See halfopen help.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"halfopen/harness/suite"
	"halfopen/internal/kernel"
	"halfopen/internal/monitor"
)

// memory is how much memory Go's garbage collector uses if it can: it works harder near that. A run
// with millions of packets needs most of it. GOMEMLIMIT sets another limit.
const memory = 768 << 20

func main() {
	suite.Main() // never returns in a lab, an actor or the init of a guest, which are the same program
	if err := kernel.CheckFiles(kernel.FilesOfCommand, "every command"); err != nil {
		fmt.Fprintln(os.Stderr, "halfopen:", err)
		os.Exit(statusMissing)
	}
	_ = monitor.Relax() // without the privilege, the process takes more processor time
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}
