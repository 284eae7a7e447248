package cli

import (
	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// agent is what the program does in its own container beside the nodes. No
// person calls it.
func (r *root) agent() *cobra.Command {
	return &cobra.Command{
		Use:    "agent",
		Short:  "Execute faults on behalf of a shakedown at the other end of standard input",
		Hidden: true,
		Args:   r.arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return agent.Serve(c.Context(), r.env.Stdin, r.env.Stdout)
		},
	}
}
