package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/progress"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// A root is the command that holds all others.
type root struct {
	env     Env
	command *cobra.Command
	// watch shows runs while they go on.
	watch progress.Watcher
	// measured says that it shows more than events.
	measured bool
	// recipes are read once, however many scenarios ask for them.
	recipes func() (scenarios.Recipes, error)
	// after are called when the command has ended.
	after []func()
}

const about = `Shakedown starts a real cluster, hurts it while clients work, writes down every
operation, and then decides, with evidence, whether the system kept its promises.`

const examples = `  shakedown list                       what there is to run
  shakedown doctor                     what this machine can do
  shakedown init                       a scenario of your own to begin with
  shakedown run etcd-storm             break five etcd nodes for a minute
  shakedown check latest               judge the last run again
  shakedown plan etcd-storm --seed 7   what a run would do`

func newRoot(env Env) *root {
	r := &root{env: env, watch: progress.Quiet{}, recipes: sync.OnceValues(env.Catalog.recipes)}
	r.command = &cobra.Command{
		Use:           "shakedown",
		Short:         "Break a cluster and judge what it did",
		Long:          about,
		Example:       examples,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          r.noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.command.SetArgs(env.Args)
	r.command.SetIn(env.Stdin)
	r.command.SetOut(env.Stdout)
	r.command.SetErr(env.Stderr)
	r.command.SetFlagErrorFunc(badFlag)
	r.command.PersistentFlags().BoolVar(&r.env.plain, "no-color", false, "print no colours (NO_COLOR in the environment does the same)")
	r.command.CompletionOptions.DisableDefaultCmd = true
	r.command.AddCommand(r.run(), r.check(), r.plan(), r.validate(), r.doctor(), r.show(), r.list(),
		r.clean(), r.report(), r.serve(), r.export(), r.rerun(), r.diff(), r.explain(), r.schema(), r.man(), r.initiate(), r.version(), r.completion(), r.agent(), r.probeChild())
	usage := r.command.UsageTemplate()
	r.command.SetUsageTemplate(usage + "{{if not .HasParent}}" + exitCodes() + "{{end}}")
	return r
}

// execute runs the command that the arguments name. An error that cobra made
// itself, rather than one of our commands, is a mistake in the command line.
func (r *root) execute(ctx context.Context) error {
	args := r.env.Args
	if args == nil {
		r.command.SetArgs([]string{}) // nil would mean those of the process
	}
	defer func() {
		for _, f := range r.after {
			f()
		}
	}()
	return r.command.ExecuteContext(ctx)
}

// noSuchCommand is reached when the first argument is no command.
func (r *root) noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := didYouMean(args[0], commandNames(c))
	if hint == "" {
		hint = "shakedown --help lists the commands"
	}
	return usage(fmt.Errorf("unknown command %q", args[0]), hint)
}

func commandNames(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	return names
}

// badFlag explains a flag that c does not have, or that cannot be read.
func badFlag(c *cobra.Command, err error) error {
	hint := fmt.Sprintf("%s --help lists the flags", c.CommandPath())
	if name, found := strings.CutPrefix(err.Error(), "unknown flag: --"); found {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := didYouMean(name, names); near != "" {
			hint = strings.Replace(near, `"`, `"--`, 1)
		}
	}
	return usage(err, hint)
}

// arguments demands at least and at most so many arguments; most < 0 means
// that there is no upper limit.
func (r *root) arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		hint := fmt.Sprintf("usage: %s; see %s --help", c.UseLine(), c.CommandPath())
		switch {
		case len(args) < least:
			return usage(fmt.Errorf("%s needs %s", c.Name(), countOf(least, "argument")), hint)
		case most >= 0 && len(args) > most:
			return usage(fmt.Errorf("%s takes at most %s, and was given %d", c.Name(), countOf(most, "argument"), len(args)), hint)
		}
		return nil
	}
}

// countOf is a number with its noun.
func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
