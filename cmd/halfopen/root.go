package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/internal/say"
	"halfopen/internal/version"
)

const rootLong = `halfopen is a laboratory for TCP failures.

A scenario is a YAML file. It names hosts, the faults of the network between
them, the steps that programs on the hosts perform, and what must be observed:
which errno, after how long, in which TCP state, after which packets. halfopen
makes the hosts out of network namespaces, breaks the network packet by packet,
runs real sockets of a real kernel, and checks the expectations.

First steps:
  halfopen doctor                   check what this machine can do
  halfopen try --help               two programs of yours, and faults by flags
  halfopen run connect-refused -v   run a built-in scenario and draw its packets
  halfopen list                     list the built-in scenarios

Labs need Linux. On other systems, check, show, list, inspect and schema work.

Exit status: 0 all passed; 1 an expectation failed, or a run broke off or stayed
inconclusive, or had no time; 2 the scenario or the command line is wrong, or
the output cannot be written; 3 this machine cannot run the scenario, and
nothing failed; 130 interrupted.`

// execute runs the command line and returns its exit status.
func execute(args []string, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	errs = newInert(errs)
	out, unwritten := newOutput(newInert(out), cancel)
	root.SetOut(out)
	root.SetErr(errs)
	refuseUnknownShells(root)
	err := root.ExecuteContext(ctx)
	if lack := unwritten(); lack != nil {
		err = lost(lack, err)
	}
	if !isSilent(err) {
		fmt.Fprintln(errs, "halfopen:", say.ErrorLines(err))
	}
	return statusOf(err)
}

// isSilent reports whether an error needs no message.
func isSilent(err error) bool {
	var s *statusError
	return err == nil || errors.As(err, &s) && s.err == nil
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:     "halfopen",
		Short:   "A laboratory for TCP failures",
		Long:    rootLong,
		Version: version.String(),
		Args:    onlyCommands,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return checkSystem(cmd, runtime.GOOS)
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate(versionLine())
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.AddCommand(
		newRun(),
		newShell(),
		newEnter(),
		newTry(),
		newFault(),
		newList(),
		newShow(),
		newCheck(),
		newDoctor(),
		newKernel(),
		newSchema(),
		newInspect(),
		newMerge(),
		newRerun(),
		newVersion(),
	)
	root.SetHelpCommand(newHelp())
	return root
}
