package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

func TestTextsOfHelpHave80Columns(t *testing.T) {
	var walk func(*cobra.Command)
	texts := 0
	walk = func(cmd *cobra.Command) {
		texts++
		for line := range strings.Lines(cmd.Long + "\n" + cmd.UsageString()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s has a line of %d columns: %s", cmd.CommandPath(), n, line)
			}
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(newRoot())
	if texts < 5 {
		t.Errorf("only %d commands: the test proves little", texts)
	}
}
