package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"halfopen/internal/code"
	"halfopen/internal/report"
	"halfopen/internal/say"
	"halfopen/scenarios/language"
)

// contrary are the flags that undo a default of a file when they are given.
var contrary = map[string]string{"quiet": "verbose", "verbose": "quiet"}

// configure sets the flags of run that the command line does not give to what halfopen.yaml says, and
// says so. It returns the path of that file, "" if there is none. The file belongs to the scenario files of its folder and below;
// with built-in scenarios next to them, it holds for the whole command.
func configure(cmd *cobra.Command, args []string, errs io.Writer) (config string, err error) {
	path, err := configOf(args)
	if err != nil || path == "" {
		return "", err
	}
	c, err := language.LoadConfig(path)
	if err != nil {
		return path, &statusError{statusUsage, err}
	}
	flags := cmd.Flags()
	given := func(name string) bool { return name != "" && flags.Changed(name) }
	var taken, overridden []string
	var wrong []error
	for _, s := range c.Defaults() {
		if given(s.Flag) || given(contrary[s.Flag]) {
			overridden = append(overridden, "--"+s.Flag)
			continue
		}
		// --report and others replace their default with the first value.
		for i, value := range s.Values {
			err := checkDefault(s.Flag, value)
			if err == nil {
				err = flags.Set(s.Flag, value)
			}
			if err != nil {
				wrong = append(wrong, &language.Error{
					Pos: s.Places[i], Problem: code.Errorf(code.InvalidValue, "%v", err),
				})
			}
			taken = append(taken, defaultText(s.Flag, value))
		}
	}
	if len(wrong) > 0 {
		return path, &statusError{statusUsage, errors.Join(wrong...)}
	}
	if quiet, _ := flags.GetBool("quiet"); quiet {
		return path, nil
	}
	text := "nothing"
	if len(taken) > 0 {
		text = strings.Join(taken, " ")
	}
	if len(overridden) > 0 {
		text += "; the command line overrides " + strings.Join(overridden, ", ")
	}
	fmt.Fprintf(errs, "halfopen: defaults of %s: %s\n", say.Printable(path), say.Printable(text))
	return path, nil
}

// defaultText is a default as a flag.
func defaultText(flag, value string) string {
	if value == "true" {
		return "--" + flag
	}
	return "--" + flag + "=" + say.ShellWord(value)
}

// checkDefault checks values whose meaning only the command knows.
func checkDefault(flag, value string) error {
	switch flag {
	case "report":
		_, err := parseReports([]string{value}, false)
		return err
	case "format":
		if _, err := report.FormatNamed(value); err != nil {
			return fmt.Errorf("invalid format %q: %w", value, err)
		}
	}
	return nil
}

// configOf returns the path of the file of defaults of the scenario files that the arguments name; "" if
// there is none. Files with different ones are refused: a command has one number of jobs, one seed.
func configOf(args []string) (string, error) {
	var found, of string
	in := map[string]string{}
	for _, arg := range args {
		list, err := sources(arg)
		if err != nil {
			continue // reported when it is loaded
		}
		for _, s := range list {
			if s.file == nil {
				continue
			}
			path, err := findConfig(filepath.Dir(s.name), in)
			if err != nil {
				return "", err
			}
			switch {
			case path == "" || path == found:
			case found == "":
				found, of = path, s.name
			default:
				return "", usagef("%s has the defaults of %s, and %s those of %s: run them apart, or pass --no-config",
					of, found, s.name, path)
			}
		}
	}
	return found, nil
}

// findConfig returns the file of defaults in a folder or the nearest above it; "" if there is none. The
// search ends at the top of a repository, and at a folder in which everybody may make files, such as
// /tmp. seen has the answers so far, by absolute path.
func findConfig(dir string, seen map[string]string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", language.ConfigName, err)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // so that one folder by two names has one file
	}
	var passed []string
	found := ""
	for {
		if known, ok := seen[dir]; ok {
			found = known
			break
		}
		passed = append(passed, dir)
		if info, err := os.Stat(dir); err == nil && info.Mode()&os.ModeSticky != 0 {
			break
		}
		path := filepath.Join(dir, language.ConfigName)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			found = shortPath(path)
			break
		}
		_, err := os.Lstat(filepath.Join(dir, ".git"))
		up := filepath.Dir(dir)
		if err == nil || up == dir {
			break
		}
		dir = up
	}
	for _, dir := range passed {
		seen[dir] = found
	}
	return found, nil
}

// shortPath returns a path relative to the working directory, if it is below that.
func shortPath(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(wd); err == nil {
		wd = real
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	return rel
}

// isConfig reports whether a path is that of a file of defaults.
func isConfig(path string) bool { return filepath.Base(path) == language.ConfigName }

// configSources returns the files of defaults that the arguments of check name, contain, or use.
func configSources(args []string) []source {
	var paths []string
	seen := map[string]string{}
	for _, arg := range args {
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			_ = walkYAML(arg, func(path string) {
				if isConfig(path) {
					paths = append(paths, path)
				}
			})
		}
		for _, s := range toCheck(arg) {
			if s.file == nil || isConfig(s.name) {
				continue
			}
			if path, err := findConfig(filepath.Dir(s.name), seen); err == nil && path != "" {
				paths = append(paths, path)
			}
		}
	}
	var list []source
	for _, path := range slices.Compact(paths) {
		list = append(list, configSource(path))
	}
	return list
}

// configSource is a file of defaults, for check.
func configSource(path string) source {
	info, err := os.Stat(path)
	if err != nil {
		info = nil // LoadConfig says why
	}
	return source{name: path, file: info, defaults: true, load: func() (*language.File, error) {
		return nil, usagef("%s has defaults for run and is not a scenario: run its folder", path)
	}}
}

// checkConfig validates a file of defaults, and returns the flags that it sets.
func checkConfig(path string) ([]string, error) {
	c, err := language.LoadConfig(path)
	if err != nil {
		return nil, err
	}
	names := []string{}
	var wrong []error
	for _, s := range c.Defaults() {
		names = append(names, s.Flag)
		for i, value := range s.Values {
			if err := checkDefault(s.Flag, value); err != nil {
				wrong = append(wrong, &language.Error{
					Pos: s.Places[i], Problem: code.Errorf(code.InvalidValue, "%v", err),
				})
			}
		}
	}
	return names, errors.Join(wrong...)
}
