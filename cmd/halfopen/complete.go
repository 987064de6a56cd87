package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/internal/hand"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

// register adds completions to flags that were defined before.
func register(cmd *cobra.Command, completions map[string]cobra.CompletionFunc) {
	for name, complete := range completions {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag is not defined
		}
	}
}

// completeHost offers the hosts of the scenario on the command line.
func completeHost(
	_ *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	cases, err := (&selection{args: args}).resolve()
	if err != nil || len(args) == 0 {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for i := range cases[0].Hosts {
		if name := cases[0].Hosts[i].Name; strings.HasPrefix(name, toComplete) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeLab offers the labs that can be entered.
func completeLab(
	*cobra.Command, []string, string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	labs, err := hand.Labs()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []cobra.Completion
	for i := range labs {
		ids = append(ids, cobra.CompletionWithDesc(labs[i].ID, say.Printable(labs[i].Run)))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeHostOfLab offers the hosts of the lab that would be entered.
func completeHostOfLab(
	cmd *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault // the command
	}
	id, _ := cmd.Flags().GetString("lab")
	labs, err := hand.Labs()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	lab, err := hand.Pick(labs, id)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, name := range lab.Hosts {
		if strings.HasPrefix(name, toComplete) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeScenario offers the names of the built-in scenarios, and files.
func completeScenario(
	_ *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
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

// namedFiles returns the scenario files on the command line. The standard input is the terminal then,
// not one of them.
func namedFiles(args []string) ([]*language.File, error) {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == standardInput })
	return (&selection{args: args}).files()
}

// completeCase offers the cases of the scenarios on the command line.
func completeCase(
	_ *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	files, err := namedFiles(args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var labels []cobra.Completion
	for _, f := range files {
		for _, label := range f.Cases {
			if strings.HasPrefix(label, toComplete) && !slices.Contains(labels, label) &&
				say.Printable(label) == label {
				labels = append(labels, label)
			}
		}
	}
	return labels, cobra.ShellCompDirectiveNoFileComp
}

// completeFormat offers the output formats.
func completeFormat(
	*cobra.Command, []string, string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, f := range report.Formats {
		if f.NoPath {
			continue
		}
		names = append(names, cobra.CompletionWithDesc(f.Name, f.For))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeSet offers, for the flag --set, the parameters of the scenarios on the command line.
func completeSet(
	_ *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	files, err := namedFiles(args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	if name, _, ok := strings.Cut(toComplete, "="); ok {
		return completeValue(files, name, toComplete), cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	said := map[string]bool{}
	for _, f := range files {
		for _, name := range f.Params {
			if strings.HasPrefix(name, toComplete) && !said[name] {
				said[name] = true
				names = append(names, cobra.CompletionWithDesc(name+"=", say.Printable(strings.Join(f.Values(name), ", "))))
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeValue offers the values that a parameter has in the files.
func completeValue(files []*language.File, name, toComplete string) []cobra.Completion {
	var settings []cobra.Completion
	for _, f := range files {
		for _, value := range f.Values(name) {
			setting := name + "=" + value
			if strings.HasPrefix(setting, toComplete) && !strings.Contains(value, "${") &&
				!slices.Contains(settings, setting) && say.Printable(setting) == setting {
				settings = append(settings, setting)
			}
		}
	}
	return settings
}
