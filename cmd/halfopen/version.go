package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"halfopen/internal/version"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
}

// versionLine has the version, the commit if it is known, the Go version, the operating system and
// the architecture.
func versionLine() string {
	built := fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if commit := version.Commit(); commit != "" {
		built = "commit " + commit + ", " + built
	}
	return fmt.Sprintf("halfopen %s (%s)\n", version.String(), built)
}
