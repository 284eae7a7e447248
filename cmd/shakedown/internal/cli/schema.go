package cli

import (
	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/scenarios"
)

func (r *root) schema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenarios, for editors",
		Long: `Schema prints the JSON Schema of scenarios. An editor with a YAML language server
completes and checks a scenario by it whose first line is
# yaml-language-server: $schema=./scenario.schema.json
It knows every field and word; what depends on several fields, only validate knows.`,
		Example: "  shakedown schema > scenario.schema.json",
		Args:    r.arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			recipes, err := r.recipes()
			if err != nil {
				return err
			}
			return printJSON(r.env.Stdout, scenarios.Schema(recipes))
		},
	}
}
