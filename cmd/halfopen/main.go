// Command halfopen is a laboratory for TCP failures: it runs scenarios on real sockets between
// network namespaces and checks what the scenarios expect. See halfopen help.
package main

import (
	"fmt"
	"os"

	"halfopen/harness/suite"
	"halfopen/internal/kernel"
	"halfopen/internal/monitor"
)

func main() {
	suite.Main() // never returns in a lab, an actor or the init of a guest, which are the same program
	if err := kernel.CheckFiles(kernel.FilesOfCommand, "every command"); err != nil {
		fmt.Fprintln(os.Stderr, "halfopen:", err)
		os.Exit(statusMissing)
	}
	_ = monitor.Relax() // without the privilege, the process takes more processor time
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}
