package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"halfopen/scenarios"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list [WORD]...",
		Short: "List the built-in scenarios",
		Long: `List the built-in scenarios by folder: name, how long the shortest and the longest of its runs take, IP families, title and
tags. With words, only those that have each of them in the name, the folder, the title or the tags.`,
		RunE: func(cmd *cobra.Command, words []string) error {
			files, err := scenarios.Library()
			if err != nil {
				return err
			}
			files = slices.DeleteFunc(slices.Clone(files), func(f *scenarios.File) bool { return !mentions(f, words) })
			if len(files) == 0 && len(words) > 0 {
				return usagef("no built-in scenario has %s in its name, folder, title or tags", strings.Join(words, " and "))
			}
			return list(cmd.OutOrStdout(), files)
		},
	}
}

func mentions(f *scenarios.File, words []string) bool {
	text := strings.ToLower(strings.Join(append([]string{f.Folder, f.Name, f.Title}, f.Tags...), "\n"))
	for _, w := range words {
		if !strings.Contains(text, strings.ToLower(w)) {
			return false
		}
	}
	return true
}

func list(w io.Writer, files []*scenarios.File) error {
	width, folder := 0, ""
	for _, f := range files {
		width = max(width, len(f.Name))
	}
	for _, f := range files {
		if f.Folder != folder {
			if folder != "" {
				fmt.Fprintln(w)
			}
			folder = f.Folder
			fmt.Fprintf(w, "%s/\n", folder)
		}
		runs, err := f.Expand(nil)
		if err != nil {
			return err
		}
		tags := ""
		if len(f.Tags) > 0 {
			tags = "  [" + strings.Join(f.Tags, ", ") + "]"
		}
		fmt.Fprintf(w, "  %-*s  %9s  %-5s  %s%s\n", width, f.Name, lengths(runs), families(f.IP), f.Title, tags)
	}
	return nil
}

// lengths says how long the runs of a scenario take, from the shortest to the longest.
func lengths(runs []*scenarios.Scenario) string {
	shortest, longest := time.Duration(1<<62), time.Duration(0)
	for _, s := range runs {
		shortest, longest = min(shortest, s.Estimate()), max(longest, s.Estimate())
	}
	if longest < time.Second {
		return "< 1s"
	}
	if shortest == longest {
		return seconds(longest)
	}
	return seconds(shortest) + "-" + seconds(longest)
}
