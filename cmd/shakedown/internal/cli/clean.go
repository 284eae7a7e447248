package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/docker"
)

// cleanFlags say what is removed: what is in docker, or with one of the later
// ones folders of runs.
type cleanFlags struct {
	docker    docker.SweepOptions
	keep      int
	olderThan string
	maxSize   string
	folder    bool
	out       string
	json      bool
}

func (r *root) clean() *cobra.Command {
	var f cleanFlags
	c := &cobra.Command{
		Use:   "clean [RUN]",
		Short: "Undo faults and remove what runs left behind in docker, or old runs from disk",
		Long: `Clean removes what is left in docker of runs that were killed or run with --keep, and
nothing that shakedown did not make. Faults that were in force when a run was killed,
which its undo.jsonl tells, are undone. A run that is still going on is left alone,
unless it is named or --live is given.

With --keep, --older-than or --max-size it removes folders of runs instead: each run
that one of them lets go, oldest first. Runs that found a violation stay, as do those
that still go on; such a folder is removed only when it is named, with --folder.`,
		Example: `  shakedown clean --dry-run
  shakedown clean --keep 100 --older-than 30d --max-size 5GiB
  shakedown clean 7f3a91 --folder`,
		Args:              r.arguments(0, 1),
		ValidArgsFunction: r.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			f.docker.Run = strings.Join(args, "")
			switch {
			case f.folder:
				return r.cleanFolder(f)
			case c.Flags().Changed("keep") || f.olderThan != "" || f.maxSize != "":
				return r.cleanRuns(f, c.Flags().Changed("keep"))
			}
			return r.cleanDocker(c.Context(), f)
		},
	}
	c.Flags().BoolVar(&f.docker.DryRun, "dry-run", false, "only print what would be removed")
	c.Flags().BoolVar(&f.docker.Live, "live", false, "also remove what belongs to runs that are still going on")
	c.Flags().BoolVar(&f.docker.Images, "images", false, "also remove the images that were built")
	c.Flags().IntVar(&f.keep, "keep", 0, "keep only so many of the newest runs on disk")
	c.Flags().StringVar(&f.olderThan, "older-than", "", "remove runs from disk that are older, as in 30d or 12h")
	c.Flags().StringVar(&f.maxSize, "max-size", "", "remove the oldest runs from disk until the rest is no larger, as in 5GiB")
	c.Flags().BoolVar(&f.folder, "folder", false, "remove the folder of the run that is named, whatever it found")
	jsonFlag(c, &f.json)
	outFlag(c, &f.out)
	return c
}

func (r *root) cleanDocker(ctx context.Context, f cleanFlags) error {
	e, absent := docker.Open(ctx)
	if absent == nil {
		defer e.Close()
	}
	swept, err := r.sweep(ctx, e, f.out, f.docker)
	if len(swept) == 0 && absent != nil {
		return errors.Join(absent, err) // there was nothing to do that could be done without docker
	}
	if printed := r.printSwept(swept, f.docker.DryRun, f.json); err == nil {
		err = printed
	}
	return err
}

// cleanFolder removes the folder of the run that is named.
func (r *root) cleanFolder(f cleanFlags) error {
	if f.docker.Run == "" {
		return usage(errors.New("--folder removes the folder of a run, and none is named"), "as in shakedown clean 7f3a91 --folder")
	}
	folder, err := store.Resolve(f.out, f.docker.Run)
	if err != nil {
		return usage(err, "shakedown list runs --out "+f.out+" names the runs")
	}
	return r.removeRuns(store.Measure([]store.Info{folder.Info()}), f)
}

// cleanRuns removes the folders of runs that the flags let go.
func (r *root) cleanRuns(f cleanFlags, byNumber bool) error {
	if f.docker.Run != "" {
		return usage(errors.New("a run is named, and flags that choose among all"), "shakedown clean RUN --folder removes one folder")
	}
	rule := store.Retention{Keep: -1}
	if byNumber {
		if rule.Keep = f.keep; f.keep < 0 {
			return usage(fmt.Errorf("--keep is %d, and cannot be negative", f.keep), "")
		}
	}
	var err error
	if rule.OlderThan, err = parseAge(f.olderThan); err != nil {
		return usage(err, "write as in 30d, 2w or 12h")
	}
	if rule.MaxBytes, err = parseSize(f.maxSize); err != nil {
		return usage(err, "write as in 5GiB or 500MiB")
	}
	runs, err := store.List(f.out)
	if err != nil {
		return environment(err, "")
	}
	return r.removeRuns(rule.Surplus(store.Measure(runs), r.env.Now()), f)
}

// removeRuns removes folders, or with --dry-run only names them.
func (r *root) removeRuns(runs []store.Sized, f cleanFlags) error {
	verb := "would remove"
	var failed error
	if !f.docker.DryRun {
		verb = "removed"
		runs, failed = store.Remove(runs)
	}
	if failed != nil {
		failed = environment(fmt.Errorf("remove runs: %w", failed), "")
	}
	if f.json {
		return errors.Join(printLines(r.env.Stdout, runs), failed)
	}
	if len(runs) == 0 && failed == nil {
		_, err := fmt.Fprintln(r.env.Stdout, "nothing to remove")
		return err
	}
	for _, s := range runs {
		if _, err := fmt.Fprintf(r.env.Stdout, "%s run %s of %s, %s, %s\n", verb, s.ID, s.Scenario, runState(s.Info), mebibytes(s.Bytes)); err != nil {
			return err
		}
	}
	return failed
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

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
