package main

import (
	"github.com/spf13/cobra"

	"halfopen/internal/kernel"
)

// onlyLinux are the annotations of commands that need Linux. All others work on every system.
var onlyLinux = map[string]string{"system": "linux"}

// checkSystem refuses a command on a system that it does not work on. system is as runtime.GOOS
// names it.
func checkSystem(cmd *cobra.Command, system string) error {
	if cmd.Annotations["system"] != onlyLinux["system"] {
		return nil
	}
	return kernel.CheckSystem(system, cmd.CommandPath())
}
