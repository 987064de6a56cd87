package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

func newSchema() *cobra.Command {
	var results, config bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, or of results",
		Long: `Print the JSON Schema of scenario files. An editor with a YAML language server
completes and checks a scenario file that begins with the line

  # yaml-language-server: $schema=halfopen.schema.json

With --results, print that of records instead: of the lines of run --format
json, and of verdict.json. With --config, print that of halfopen.yaml, which has
defaults for run. docs/ci.md describes both.`,
		Example: "  halfopen schema > halfopen.schema.json\n  halfopen schema --results > results.schema.json\n" +
			"  halfopen schema --config > config.schema.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			of := language.Schema
			switch {
			case results && config:
				return usagef("--results and --config: want one of them")
			case results:
				of = report.RecordSchema
			case config:
				of = language.ConfigSchema
			}
			schema, err := of()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", bytes.TrimSpace(schema))
			return err
		},
	}
	cmd.Flags().BoolVar(&results, "results", false, "print the schema of the records of results")
	cmd.Flags().BoolVar(&config, "config", false, "print the schema of "+language.ConfigName)
	return cmd
}
