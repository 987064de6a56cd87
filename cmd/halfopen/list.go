package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"halfopen/harness/suite"
	"halfopen/internal/report"
	"halfopen/scenarios"
	"halfopen/scenarios/language"
)

func newList() *cobra.Command {
	var only filter
	var asMarkdown bool
	var dir, format string
	cmd := &cobra.Command{
		Use:   "list [WORD]...",
		Short: "List the built-in scenarios",
		Long: `List the built-in scenarios by folder: name, duration of the shortest and the
longest run, IP versions, title, tags and the programs that it needs. The column
native has the runs of less than 20 s, which happen on this machine in real
time. The column warped has the longer runs, which happen in a virtual machine
that skips idle time: they take a few seconds of your time (see halfopen run
--help).

With words, only scenarios are listed that have each of the words in their name,
folder, title or tags. On a terminal, titles are wrapped below the names. In a
pipe or a file, each scenario has one line of any width, for grep and awk; with
--format json, each is a record, with its cases.`,
		Example: "  halfopen list handshake\n  halfopen list --tag time-wait --tag cure\n" +
			"  halfopen list --grep 'SO_LINGER|orphan'\n  halfopen list --markdown --dir docs/scenarios",
		RunE: func(cmd *cobra.Command, words []string) error {
			if dir != "" && !asMarkdown {
				return usagef("--dir needs --markdown: halfopen list --markdown --dir %s", dir)
			}
			asJSON, err := isJSON(format)
			if err != nil {
				return err
			}
			if asJSON && asMarkdown {
				return usagef("--format json does not apply to --markdown")
			}
			files, err := scenarios.Library()
			if err != nil {
				return err
			}
			files = slices.DeleteFunc(slices.Clone(files),
				func(f *language.File) bool { return !mentions(f, words) })
			if len(files) == 0 && len(words) > 0 {
				return usagef("no built-in scenario has %s in its name, folder, title or tags; see halfopen list",
					strings.Join(words, " and "))
			}
			if files, err = only.keep(files); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch {
			case dir != "":
				return writePages(dir, files)
			case asMarkdown:
				return markdown(out, files)
			case asJSON:
				return listRecords(out, files)
			}
			width := 0
			if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
				width = min(report.Width(out, 100), 120)
			}
			return list(out, files, width)
		},
	}
	only.flags(cmd)
	formatFlag(cmd, &format)
	cmd.Flags().BoolVar(&asMarkdown, "markdown", false,
		"print one page of Markdown with everything that the scenarios teach")
	cmd.Flags().StringVar(&dir, "dir", "",
		"with --markdown: write a page for each folder, and README.md as index, into `DIR`")
	return cmd
}

// writePages writes the Markdown pages into a directory, which it makes if necessary.
func writePages(dir string, files []*language.File) error {
	pages, err := markdownPages(files)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the pages: %w", err)
	}
	for _, d := range pages {
		if err := os.WriteFile(filepath.Join(dir, d.name), []byte(d.text), 0o644); err != nil {
			return fmt.Errorf("writing the pages: %w", err)
		}
	}
	return nil
}

func mentions(f *language.File, words []string) bool {
	text := strings.ToLower(strings.Join(append([]string{f.Folder, f.Name, f.Title}, f.Tags...), "\n"))
	for _, w := range words {
		if !strings.Contains(text, strings.ToLower(w)) {
			return false
		}
	}
	return true
}

// list writes the scenarios by folder. width is the terminal's, and titles and tags go below the
// names; width 0 is for files and programs, and each scenario is one line.
func list(w io.Writer, files []*language.File, width int) error {
	names := 0
	for _, f := range files {
		names = max(names, len(f.Name))
	}
	p := &page{w: w, width: width}
	folder := ""
	for _, f := range files {
		if f.Folder != folder {
			if folder != "" {
				p.line("")
			}
			folder = f.Folder
			p.line("%-*s  %11s  %11s  ip", names+2, folder+"/", "native", "warped")
		}
		runs, err := f.Expand(nil)
		if err != nil {
			return err
		}
		native, warped := lengths(runs)
		line := fmt.Sprintf("  %-*s  %11s  %11s  %-5s", names, f.Name, native, warped, families(f.IP))
		tags := ""
		if len(f.Tags) > 0 {
			tags = " [" + strings.Join(f.Tags, ", ") + "]"
		}
		if needs := needed(runs[0]); needs != "" {
			tags += " needs " + needs
		}
		if width == 0 {
			p.line("%s  %s%s", line, f.Title, tags)
			continue
		}
		p.line("%s", line)
		p.wrap("    ", "    ", f.Title+tags)
	}
	return p.err
}

// listRecords writes a record for each scenario.
func listRecords(w io.Writer, files []*language.File) error {
	for _, f := range files {
		runs, err := f.Expand(nil)
		if err != nil {
			return err
		}
		listed := report.NewListed(f, runs, suite.Long, missingHere(runs[0].Needs))
		if err := report.WriteRecord(w, report.ScenarioRecord, listed); err != nil {
			return err
		}
	}
	return nil
}

// lengths returns the durations, from shortest to longest, of a scenario's runs in real time and of
// its runs in warped time; "-" if there are none.
func lengths(runs []*language.Scenario) (native, warped string) {
	var short, long []time.Duration
	for _, s := range runs {
		if e := s.Estimate(); e < suite.Long {
			short = append(short, e)
		} else {
			long = append(long, e)
		}
	}
	return spread(short), spread(long)
}

// spread formats the shortest and the longest of some durations.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "-"
	}
	from, to := roughly(slices.Min(all)), roughly(slices.Max(all))
	switch {
	case slices.Max(all) < time.Second:
		return "< 1s"
	case from == to:
		return to
	case slices.Min(all) < time.Second:
		from = "0"
	}
	return from + "-" + to
}
