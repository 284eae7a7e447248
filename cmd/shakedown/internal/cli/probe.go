package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/nemesis/agent"
)

// probeChild is the throw-away process on which the agent tries its faults. No
// person calls it.
func (r *root) probeChild() *cobra.Command {
	idle := false
	c := &cobra.Command{
		Use:    "agent-probe-child",
		Short:  "Be the process that the agent tries its faults on",
		Hidden: true,
		Args:   r.arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if idle {
				<-cmd.Context().Done()
				return context.Cause(cmd.Context())
			}
			return agent.ProbeChild(cmd.Context(), r.env.Stdin, r.env.Stdout)
		},
	}
	c.Flags().BoolVar(&idle, "idle", false, "do nothing until told to stop")
	return c
}
