package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"halfopen/scenarios/language"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors",
		Long: `Print the JSON Schema of scenario files. An editor with a YAML language server
completes and checks a scenario file that begins with the line

  # yaml-language-server: $schema=halfopen.schema.json`,
		Example: "  halfopen schema > halfopen.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := language.Schema()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", bytes.TrimSpace(schema))
			return err
		},
	}
}
