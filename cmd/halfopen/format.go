package main

import (
	"github.com/spf13/cobra"
)

// The values of --format of commands that run nothing.
const (
	prettyFormat = "pretty"
	jsonFormat   = "json"
)

// formatFlag defines the flag --format of a command that runs nothing.
func formatFlag(cmd *cobra.Command, format *string) {
	cmd.Flags().StringVar(format, "format", prettyFormat,
		"write in this `FORMAT`: "+prettyFormat+", for people, or "+jsonFormat+", records for programs")
	register(cmd, map[string]cobra.CompletionFunc{"format": cobra.FixedCompletions(
		[]cobra.Completion{prettyFormat, jsonFormat}, cobra.ShellCompDirectiveNoFileComp)})
}

// isJSON reports whether a value of that flag asks for records.
func isJSON(format string) (bool, error) {
	switch format {
	case prettyFormat:
		return false, nil
	case jsonFormat:
		return true, nil
	}
	return false, usagef("--format %q: want %s or %s", format, prettyFormat, jsonFormat)
}
