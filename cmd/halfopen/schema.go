package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"halfopen/internal/report"
	"halfopen/scenarios/language"
)

func newSchema() *cobra.Command {
	var results bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, or of results",
		Long: `Print the JSON Schema of scenario files. An editor with a YAML language server
completes and checks a scenario file that begins with the line

  # yaml-language-server: $schema=halfopen.schema.json

With --results, print that of records instead: of the lines of run --format json,
and of verdict.json. docs/ci.md describes them.`,
		Example: "  halfopen schema > halfopen.schema.json\n  halfopen schema --results > results.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			of := language.Schema
			if results {
				of = report.RecordSchema
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
	return cmd
}
