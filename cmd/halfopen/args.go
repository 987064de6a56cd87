package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"halfopen/internal/spell"
)

// one accepts exactly one argument. what names it in the error.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes one %s, got %d; see %s --help",
				cmd.CommandPath(), what, len(args), cmd.CommandPath())
		}
		return nil
	}
}

// some accepts one argument or more. what names them in the error.
func some(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s takes at least one %s; see %s --help",
				cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// onlyCommands accepts no arguments: each would be an unknown subcommand.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("%s has no command %q%s; see %s --help",
		cmd.CommandPath(), args[0], spell.DidYouMean(args[0], names), cmd.CommandPath())
}

// valueError says what is wrong with the value of a flag.
type valueError struct{ text string }

func (e *valueError) Error() string { return e.text }

// flagError returns the usage error for a mistake in the flags of a command.
func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		var why *valueError
		if errors.As(err, &why) {
			return usagef("--%s %s: %w; see %s --help", invalid.GetFlag().Name, invalid.GetValue(), why, cmd.CommandPath())
		}
		want := "another value"
		switch invalid.GetFlag().Value.Type() {
		case "int":
			want = "a whole number"
		case "uint64":
			want = "a whole number, 0 or more"
		case "bool":
			want = "true, false or no value"
		case "duration":
			want = "a time with its unit, such as 10s"
		}
		if errors.Is(err, strconv.ErrRange) {
			want = "a number that fits into 64 bits"
		}
		return usagef("--%s %s: want %s; see %s --help",
			invalid.GetFlag().Name, invalid.GetValue(), want, cmd.CommandPath())
	}
	var unknown *pflag.NotExistError
	suggestion := spell.Hint{}
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		suggestion = spell.DidYouMean("--"+strings.TrimLeft(unknown.GetSpecifiedName(), "-"), names)
	}
	return usagef("%w%s; see %s --help", err, suggestion, cmd.CommandPath())
}
