package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/runner"
)

type planFlags struct {
	seed uint64
	json bool
	out  string
	set  []string
}

func (r *root) plan() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan SCENARIO",
		Short: "Show what a run would do, without doing it",
		Long: `Plan prints every phase and fault with its time and target, and how many operations
the clients will send. The same scenario and seed give the same plan, byte for byte.
With --json it prints the whole plan, as it would stand in the run folder.`,
		Example:           "  shakedown plan etcd-storm --seed 7\n  shakedown plan etcd-storm --seed 7 --json > plan.json",
		Args:              r.arguments(1, 1),
		ValidArgsFunction: completeScenarios,
		RunE:              func(_ *cobra.Command, args []string) error { return r.printPlan(args[0], f) },
	}
	c.Flags().Uint64Var(&f.seed, "seed", 1, "the seed that everything random is drawn from")
	c.Flags().StringVarP(&f.out, "out", "o", "", "write to this file instead of standard output")
	jsonFlag(c, &f.json)
	setFlag(c, &f.set)
	return c
}

func (r *root) printPlan(arg string, f planFlags) error {
	sources, err := find([]string{arg})
	if err != nil {
		return err
	}
	if len(sources) > 1 {
		return usage(fmt.Errorf("%s holds %d scenarios, and plan takes one", arg, len(sources)), "name a file in it")
	}
	scenario, err := r.parse(sources[0], f.set)
	if err != nil {
		return err
	}
	p, err := runner.Compile(scenario, f.seed)
	if err != nil {
		return usage(err, "")
	}
	text := []byte(p.Timeline())
	if f.json {
		if text, err = p.Encode(); err != nil {
			return fmt.Errorf("encode the plan: %w", err)
		}
	}
	if f.out != "" {
		if err := os.WriteFile(f.out, text, 0o644); err != nil {
			return environment(fmt.Errorf("write the plan: %w", err), "")
		}
		return nil
	}
	_, err = r.env.Stdout.Write(text)
	return err
}
