// Command halfopen is a laboratory for TCP failures: it runs scenarios on real sockets between network namespaces and says
// whether what happened is what the scenario expects. See halfopen help.
package main

import (
	"os"

	"halfopen/harness"
	"halfopen/internal/vm"
)

func main() {
	harness.Main() // never returns in a lab or an actor, which are this same program
	vm.Main()      // nor in a virtual machine's guest, of which this program is the init
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}
