package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (r *root) man() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages into a folder",
		Example: "  shakedown man /usr/local/share/man/man1",
		Args:    r.arguments(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return environment(fmt.Errorf("make the folder of the pages: %w", err), "")
			}
			r.command.DisableAutoGenTag = true // the same program writes the same pages
			header := &doc.GenManHeader{Title: "SHAKEDOWN", Section: "1", Source: "shakedown " + thisBuild().Version}
			if err := doc.GenManTree(r.command, header, args[0]); err != nil {
				return environment(fmt.Errorf("write the manual pages: %w", err), "")
			}
			pages, err := filepath.Glob(filepath.Join(args[0], "shakedown*.1"))
			if err != nil {
				return err
			}
			for _, p := range pages {
				fmt.Fprintln(r.env.Stdout, p)
			}
			return nil
		},
	}
}
