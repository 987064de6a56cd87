package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"halfopen/inject"
	"halfopen/internal/hand"
)

func newEnter() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use:   "enter [--lab ID] HOST [COMMAND [ARG]...]",
		Short: "Run a command on a host of a lab that runs or is held",
		Long: `Run a command on a host of a lab of halfopen shell, or a shell if none is given.
It runs as a program of the scenario would: in the host's network, with the root
directory and the privileges of programs, see docs/trust.md.

If several labs run, name one by --lab; a message lists them. Only the user who
runs a lab, and root, can enter it. The lab never gets your terminal: a command
has a new one, or your pipes and files.

The exit status is that of the command: 128 and the number of the signal if one
ended it, 127 if it was not found, 126 if it could not be started. It is 2 if
the command line is wrong or the lab or host unknown, 1 if the lab ended
before the command.`,
		Example: `  halfopen enter server
  halfopen enter server ss -tin
  halfopen enter client tcpdump -ni any
  halfopen enter server ss -ltn | grep 80
  halfopen enter --lab 2 client sh -c 'echo hello | nc server 80'`,
		Annotations:       onlyLinux,
		Args:              some("host"),
		ValidArgsFunction: completeHostOfLab,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return enter(ctx, id, args[0], args[1:])
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // the flags of the command are its own
	flags.StringVar(&id, "lab", "", "enter the lab with this `ID`")
	register(cmd, map[string]cobra.CompletionFunc{"lab": completeLab})
	return cmd
}

// pickLab returns the lab that an ID names, or the only one.
func pickLab(id string) (*hand.Lab, error) {
	labs, err := hand.Labs()
	if err != nil {
		return nil, &statusError{statusFailed, err}
	}
	lab, err := hand.Pick(labs, id)
	if err != nil {
		return nil, &statusError{statusUsage, err}
	}
	return lab, nil
}

func enter(ctx context.Context, id, host string, command []string) error {
	lab, err := pickLab(id)
	if err != nil {
		return err
	}
	conn, err := hand.Dial(lab)
	if err != nil {
		return &statusError{statusFailed, err}
	}
	end, err := conn.Enter(ctx, hand.Request{
		Lab: lab.Number, Host: host, Command: command, Shell: os.Getenv("SHELL"),
	}, [3]*os.File{os.Stdin, os.Stdout, os.Stderr}, nil)
	return endOf(end, err)
}

// endOf returns the error with the exit status of a command that was run by hand; nil for status 0.
func endOf(end *hand.Ended, err error) error {
	var refused *hand.Error
	var lacking *inject.MissingError
	var wrong *inject.RefusedError
	switch {
	case err == nil && end.Status() == 0:
		return nil
	case err == nil:
		return &statusError{status: end.Status()}
	case errors.As(err, &refused) && refused.Status != 0:
		return &statusError{refused.Status, err}
	case errors.Is(err, context.Canceled):
		return &statusError{status: statusCanceled}
	case errors.As(err, &lacking):
		return err
	case errors.As(err, &wrong):
		return &statusError{statusUsage, err}
	}
	return &statusError{statusFailed, err}
}
