package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/scenarios"
)

// completeScenario offers the names of the built-in scenarios, and files.
func completeScenario(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	files, err := scenarios.Library()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, f := range files {
		if strings.HasPrefix(f.Name, toComplete) && !slices.Contains(args, f.Name) {
			names = append(names, cobra.CompletionWithDesc(f.Name, f.Title))
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeCase offers the cases of the scenarios that stand on the command line.
func completeCase(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	files, err := (&selection{args: args}).files()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var labels []cobra.Completion
	for _, f := range files {
		for _, label := range f.Cases {
			if strings.HasPrefix(label, toComplete) && !slices.Contains(labels, label) {
				labels = append(labels, label)
			}
		}
	}
	return labels, cobra.ShellCompDirectiveNoFileComp
}

// completeSet offers the parameters of the scenarios that stand on the command line, for the flag --set.
func completeSet(_ *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	files, err := (&selection{args: args}).files()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, f := range files {
		for _, name := range f.Params {
			if strings.HasPrefix(name, toComplete) && !slices.Contains(names, name+"=") {
				names = append(names, name+"=")
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
