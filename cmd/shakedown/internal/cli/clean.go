package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/docker"
)

func (r *root) clean() *cobra.Command {
	var asJSON bool
	var out string
	var o docker.SweepOptions
	c := &cobra.Command{
		Use:   "clean [RUN]",
		Short: "Undo faults and remove containers, networks and volumes that runs left behind",
		Long: `Clean removes what is left in docker of runs that were killed or run with --keep, and
nothing that shakedown did not make. Faults that were in force when a run was killed,
which its undo.jsonl tells, are undone. A run that is still going on is left alone,
unless it is named or --live is given. Run folders are never removed.`,
		Example: "  shakedown clean --dry-run\n  shakedown clean",
		Args:    r.arguments(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Run = args[0]
			}
			e, err := docker.Open(c.Context())
			if err != nil {
				return err
			}
			defer e.Close()
			swept, err := r.sweep(c.Context(), e, out, o)
			if printed := r.printSwept(swept, o.DryRun, asJSON); err == nil {
				err = printed
			}
			return err
		},
	}
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "only print what would be removed")
	c.Flags().BoolVar(&o.Live, "live", false, "also remove what belongs to runs that are still going on")
	c.Flags().BoolVar(&o.Images, "images", false, "also remove the images that were built")
	jsonFlag(c, &asJSON)
	outFlag(c, &out)
	return c
}

// printSwept prints each thing that was removed, or would be.
func (r *root) printSwept(swept []docker.Swept, dry, asJSON bool) error {
	if asJSON {
		return printLines(r.env.Stdout, swept)
	}
	if len(swept) == 0 {
		_, err := fmt.Fprintln(r.env.Stdout, "nothing to remove")
		return err
	}
	verb := "removed"
	if dry {
		verb = "would remove"
	}
	for _, s := range swept {
		of, verb := "", verb
		if s.Kind == "fault" {
			verb = map[bool]string{false: "undid", true: "would undo"}[dry]
		}
		if s.Run != "" {
			of = " of run " + s.Run
		}
		if _, err := fmt.Fprintf(r.env.Stdout, "%s %s %s%s\n", verb, s.Kind, s.Name, of); err != nil {
			return err
		}
	}
	return nil
}
