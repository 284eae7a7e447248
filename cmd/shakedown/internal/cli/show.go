package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/progress"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/history"
)

type showFlags struct {
	ops    bool
	faults bool
	key    string
	out    string
	json   bool
}

func (r *root) show() *cobra.Command {
	var f showFlags
	c := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show what a run found, in full",
		Long: `Show prints the verdict of a run with every sentence of every check. RUN is a folder,
an id or the beginning of one, latest (which is also what no argument means), or
-1, -2, … for those before. It always exits with 0 if there is such a run.`,
		Example:           "  shakedown show\n  shakedown show 7f3a91 --faults\n  shakedown show latest --ops --key r3",
		Args:              r.arguments(0, 1),
		ValidArgsFunction: r.completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			folder, err := r.resolve(f.out, strings.Join(args, ""))
			if err != nil {
				return err
			}
			return r.showRun(folder, f)
		},
	}
	c.Flags().BoolVar(&f.ops, "ops", false, "print every operation and event of the history")
	c.Flags().BoolVar(&f.faults, "faults", false, "print each fault: when, whom, and how we know that it bit")
	c.Flags().StringVar(&f.key, "key", "", "with --ops: only the operations of this key")
	jsonFlag(c, &f.json)
	outFlag(c, &f.out)
	return c
}

func (r *root) showRun(folder *store.Folder, f showFlags) error {
	c, err := openCase(folder)
	if err != nil {
		return err
	}
	switch {
	case f.ops:
		return r.showOps(c.history, f)
	case f.faults:
		return r.showFaults(c.history, f.json)
	}
	out := c.judged()
	if f.json {
		return r.print(out, c.outcome, true)
	}
	return report.Text(r.env.Stdout, out, report.Style{Colour: r.env.colour(r.env.Stdout), Full: true})
}

// showOps prints the history, one event a line.
func (r *root) showOps(h *history.History, f showFlags) error {
	w := bufio.NewWriter(r.env.Stdout)
	for _, op := range h.Ops {
		if f.key != "" && op.Key != f.key {
			continue
		}
		if err := showOp(w, op, f.json); err != nil {
			return err
		}
	}
	return w.Flush()
}

func showOp(w io.Writer, op history.Op, asJSON bool) error {
	if asJSON {
		return printLines(w, []history.Op{op})
	}
	process := fmt.Sprint("p", op.Process)
	if op.Process == history.Nemesis {
		process = "nemesis"
	}
	words := []string{fmt.Sprintf("%6d %12.6fs %-7s %-6s %s", op.Index, op.Time.Seconds(), process, op.Type, op.F)}
	for _, word := range []string{op.Key, string(op.Value), op.Node, op.Error} {
		if word != "" {
			words = append(words, oneLine(word))
		}
	}
	if op.Final {
		words = append(words, "final")
	}
	_, err := fmt.Fprintln(w, strings.Join(words, " "))
	return err
}

// A shownFault is a line of show --faults --json. A moment that did not come
// is -1.
type shownFault struct {
	ID       string   `json:"id"`
	Fault    string   `json:"fault"`
	Nodes    []string `json:"nodes"`
	Role     string   `json:"role,omitempty"`
	Says     string   `json:"says,omitempty"`
	TookHold bool     `json:"took_hold"`
	Evidence string   `json:"evidence,omitempty"`
	Error    string   `json:"error,omitempty"`
	Inject   int64    `json:"inject_ns"`
	InForce  int64    `json:"in_force_ns"`
	Heal     int64    `json:"heal_ns"`
	Healed   int64    `json:"healed_ns"`
}

func (r *root) showFaults(h *history.History, asJSON bool) error {
	var all []shownFault
	var rows [][]string
	for _, w := range h.Faults() {
		all = append(all, shownFault{
			ID: w.ID, Fault: w.Fault, Nodes: w.Nodes, Role: w.Role, Says: w.Says,
			TookHold: w.TookHold(), Evidence: w.Evidence, Error: w.Error,
			Inject: int64(w.Inject), InForce: int64(w.InForce), Heal: int64(w.Heal), Healed: int64(w.Healed),
		})
		why := w.Evidence
		if !w.TookHold() {
			why = "did not take hold: " + w.Error
		}
		until := "never healed"
		if w.Healed >= 0 {
			until = progress.Moment(w.Healed)
		}
		rows = append(rows, []string{progress.Moment(w.Inject), until, w.ID, oneLine(strings.Join(w.Nodes, " ")), oneLine(w.Says), oneLine(why)})
	}
	if asJSON {
		return printLines(r.env.Stdout, all)
	}
	return printTable(r.env.Stdout, rows)
}
