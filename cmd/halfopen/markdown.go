package main

import (
	"io"
	"slices"
	"strings"

	"halfopen/scenarios/language"
)

// markdown writes a page of the scenarios: a table of contents by folder, and for each its runs, tags, teaching text and
// command. docs/scenarios.md is this page of the library.
func markdown(w io.Writer, files []*language.File) error {
	p := &page{w: w}
	p.line("# The built-in scenarios")
	p.line("")
	p.line("This page is made from the scenarios by `make docs`; do not edit it. *Native* is how long runs take in real time; *warped* is")
	p.line("the virtual time of longer ones, which pass in a virtual machine within seconds.")
	p.line("")
	folder := ""
	for _, f := range files {
		if f.Folder != folder {
			folder = f.Folder
			p.line("- [%s](#%s)", folder, folder)
		}
		p.line("  - [%s](#%s): %s", f.Name, f.Name, inText(f.Title))
	}
	folder = ""
	for _, f := range files {
		if f.Folder != folder {
			folder = f.Folder
			p.line("")
			p.line("## %s", folder)
		}
		if err := section(p, f); err != nil {
			return err
		}
	}
	return p.err
}

func section(p *page, f *language.File) error {
	runs, err := f.Expand(nil)
	if err != nil {
		return err
	}
	native, warped := lengths(runs)
	p.line("")
	p.line("### %s", f.Name)
	p.line("")
	p.line("**%s**", inText(runs[0].Title))
	p.line("")
	p.line("| | |")
	p.line("|---|---|")
	p.line("| run it | `halfopen run %s` |", f.Name)
	if len(f.Cases) > 0 {
		p.line("| cases | %s |", coded(f.Cases))
	}
	if len(f.Params) > 0 {
		p.line("| parameters | %s |", coded(settings(f)))
	}
	p.line("| IP | %s |", families(f.IP))
	p.line("| native | %s |", native)
	p.line("| warped | %s |", warped)
	if len(f.Tags) > 0 {
		p.line("| tags | %s |", strings.Join(f.Tags, ", "))
	}
	p.line("| file | [%s](../scenarios/%s) |", f.Path, f.Path)
	if text := strings.TrimSpace(runs[0].Teaches); text != "" {
		p.line("")
		for line := range strings.SplitSeq(text, "\n") {
			p.line("%s", line)
		}
	}
	return nil
}

// settings are what --set may be given: the parameters with the values they have by default, but for those made of others.
func settings(f *language.File) []string {
	var all []string
	for _, name := range f.Params {
		values := f.Values(name)
		if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "${") }) {
			continue
		}
		if value, ok := f.Default(name); ok && value != "~" {
			name += "=" + value
		}
		all = append(all, name)
	}
	return all
}

// coded writes words as code, with commas between them.
func coded(all []string) string {
	texts := make([]string, len(all))
	for i, text := range all {
		texts[i] = "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
	}
	return strings.Join(texts, ", ")
}

// inText keeps a line of plain text from being read as Markdown.
func inText(text string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "|", `\|`).Replace(text)
}
