package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/runner"
)

type planFlags struct {
	seed uint64
	json bool
	out  string
	set  []string
	// row is the one of the matrix, from 1; 0 for all of them.
	row int
}

func (r *root) plan() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan SCENARIO",
		Short: "Show what a run would do, without doing it",
		Long: `Plan prints every phase and fault with its time and target, and how many operations
the clients will send. The same scenario and seed give the same plan, byte for byte.
With --json it prints the whole plan, as it would stand in the run folder.

A scenario with a matrix has a plan for each of its rows. They are printed one after
another, each under its settings, or one of them by --row.`,
		Example:           "  shakedown plan etcd-storm --seed 7\n  shakedown plan etcd-storm --seed 7 --json > plan.json",
		Args:              r.arguments(1, 1),
		ValidArgsFunction: completeScenarios,
		RunE:              func(_ *cobra.Command, args []string) error { return r.printPlan(args[0], f) },
	}
	c.Flags().Uint64Var(&f.seed, "seed", 1, "the seed that everything random is drawn from")
	c.Flags().StringVarP(&f.out, "out", "o", "", "write to this file instead of standard output")
	jsonFlag(c, &f.json)
	c.Flags().IntVar(&f.row, "row", 0, "only this row of the scenario's matrix, from 1")
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
	write, err := r.plansOf(sources[0], f)
	if err != nil {
		return err
	}
	if f.out == "" {
		return write(r.env.Stdout)
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(f.out, b.Bytes(), 0o644); err != nil {
		return environment(fmt.Errorf("write the plan: %w", err), "")
	}
	return nil
}

// plansOf makes the plans that are asked for, and returns what writes them as
// text, or the one of them in JSON, as it is encoded: that of a long run takes a
// while.
func (r *root) plansOf(s source, f planFlags) (write func(io.Writer) error, err error) {
	rows, err := matrixOf(s)
	if err != nil {
		return nil, err
	}
	if f.row < 0 || f.row > len(rows) {
		return nil, usage(fmt.Errorf("there is no row %d: the scenario makes %s", f.row, countOf(len(rows), "run")), "")
	}
	if f.json && f.row == 0 && len(rows) > 1 {
		return nil, usage(fmt.Errorf("the matrix makes %s, and --json prints one plan", countOf(len(rows), "run")),
			fmt.Sprintf("choose one, from --row 1 to --row %d; without --json all are listed", len(rows)))
	}
	var b bytes.Buffer
	for i, row := range rows {
		if f.row != 0 && f.row != i+1 {
			continue
		}
		p, err := r.compile(s, slices.Concat(row, f.set), f.seed)
		if err != nil {
			return nil, err
		}
		if f.json {
			return p.Write, nil
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if len(row) > 0 {
			fmt.Fprintf(&b, "row %d of %d: %s\n", i+1, len(rows), strings.Join(row, ", "))
		}
		b.WriteString(p.Timeline())
	}
	return func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	}, nil
}

// compile reads a scenario with settings and makes its plan.
func (r *root) compile(s source, set []string, seed uint64) (*runner.Plan, error) {
	scenario, err := r.parse(s, set)
	if err != nil {
		return nil, err
	}
	p, err := runner.Compile(scenario, seed)
	if err != nil {
		return nil, usage(err, "")
	}
	return p, nil
}
