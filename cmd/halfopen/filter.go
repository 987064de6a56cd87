package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/internal/spell"
	"halfopen/scenarios/language"
)

// filter selects scenarios by their tags and text. The zero filter keeps all.
type filter struct {
	tags []string
	grep string
}

// flags adds the filter's flags to a command.
func (f *filter) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.tags, "tag", nil,
		"only scenarios with this `TAG`; may be repeated, for scenarios with all of them")
	cmd.Flags().StringVar(&f.grep, "grep", "",
		"only scenarios whose name, title or teaching text matches this `REGEXP`, ignoring case")
	if err := cmd.RegisterFlagCompletionFunc("tag", completeTag); err != nil {
		panic(err) // the flag was defined a few lines above
	}
}

// isZero reports whether the filter keeps all.
func (f *filter) isZero() bool { return len(f.tags) == 0 && f.grep == "" }

// keep returns the scenarios that the filter keeps. If it keeps none, that is a usage error.
func (f *filter) keep(files []*language.File) ([]*language.File, error) {
	if f.isZero() {
		return files, nil
	}
	pattern, err := regexp.Compile("(?i)" + f.grep)
	if err != nil {
		return nil, usagef("--grep: %w", err)
	}
	known := tagsOf(files)
	for _, tag := range f.tags {
		if !slices.Contains(known, tag) {
			return nil, usagef("--tag %s: no scenario has this tag%s", tag, spell.DidYouMean(tag, known))
		}
	}
	var kept []*language.File
	for _, file := range files {
		tagged := !slices.ContainsFunc(f.tags,
			func(tag string) bool { return !slices.Contains(file.Tags, tag) })
		if tagged && pattern.MatchString(file.Name+"\n"+file.Title+"\n"+file.Teaches) {
			kept = append(kept, file)
		}
	}
	if len(kept) == 0 {
		return nil, usagef("no scenario is %s", f)
	}
	return kept, nil
}

// String describes the scenarios kept: "tagged a and b and matched by --grep c".
func (f *filter) String() string {
	var parts []string
	if len(f.tags) > 0 {
		parts = append(parts, "tagged "+strings.Join(f.tags, " and "))
	}
	if f.grep != "" {
		parts = append(parts, "matched by --grep "+f.grep)
	}
	return strings.Join(parts, " and ")
}

// tagsOf returns the tags of the scenarios, each once, sorted.
func tagsOf(files []*language.File) []string {
	var tags []string
	for _, f := range files {
		tags = append(tags, f.Tags...)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// completeTag offers the tags of the scenarios on the command line, or of the library if there are
// none.
func completeTag(
	cmd *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	if cmd.Name() == "list" {
		args = nil // its arguments are words
	}
	files, err := (&selection{args: args}).files()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	tags := tagsOf(files)
	return slices.DeleteFunc(tags, func(tag string) bool {
		return !strings.HasPrefix(tag, toComplete)
	}), cobra.ShellCompDirectiveNoFileComp
}
