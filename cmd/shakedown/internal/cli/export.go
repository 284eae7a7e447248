package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/export"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/report"
	"github.com/shakedown-dev/shakedown/cmd/shakedown/internal/store"
	"github.com/shakedown-dev/shakedown/history"
	"github.com/shakedown-dev/shakedown/scenarios"
)

// asZip is the form that has the whole run.
const asZip = "zip"

type exportFlags struct {
	as     string
	to     string
	key    string
	redact bool
	out    string
}

func (r *root) export() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export [RUN|FILE]",
		Short: "Pack a run for somebody else, or write its history for another tool",
		Long: "Export writes a run as one file: a zip with all that is needed to understand it, to judge\n" +
			"it again and to run it again, or its history in a form that other tools read. A history\n" +
			"by itself can be written in all forms but zip. The path of the file is printed.\n\n" +
			"A zip holds what clients and nodes said, word for word. With --redact all of that is\n" +
			"replaced by tokens, the same value always by the same, and the result is judged again: it\n" +
			"is only written if every verdict stays the same.\n\nForms:\n" + formTable(),
		Example: `  shakedown export latest --as zip
  shakedown export 7f3a91 --as zip --redact -o postmortem.zip
  shakedown export latest --as jepsen-edn -o history.edn
  shakedown export latest --as csv -o - | head`,
		Args:              r.arguments(0, 1),
		ValidArgsFunction: r.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			return r.exportAs(c.Context(), strings.Join(args, ""), f)
		},
	}
	c.Flags().StringVar(&f.as, "as", asZip, "the form: "+strings.Join(formNames(), ", "))
	c.Flags().StringVarP(&f.to, "to", "o", "", "the file to write, - for standard output (default: the run's id with the form's ending)")
	c.Flags().StringVar(&f.key, "key", "", "only the operations on this key (not for zip and jepsen-edn)")
	c.Flags().BoolVar(&f.redact, "redact", false, "replace what clients and nodes said by tokens")
	outFlag(c, &f.out)
	_ = c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(formNames(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// formNames are the forms that there are, zip first.
func formNames() []string {
	names := []string{asZip}
	for _, f := range export.Forms() {
		names = append(names, f.Name)
	}
	return names
}

func formTable() string {
	rows := [][]string{{"  " + asZip, "the whole run: report, verdicts, history, plan, scenario, logs, with an index page"}}
	for _, f := range export.Forms() {
		rows = append(rows, []string{"  " + f.Name, f.Says})
	}
	var b strings.Builder
	_ = printTable(&b, rows) // memory takes everything
	return strings.TrimRight(b.String(), "\n")
}

func (r *root) exportAs(ctx context.Context, ref string, f exportFlags) error {
	if !slices.Contains(formNames(), f.as) {
		hint := didYouMean(f.as, formNames())
		if hint == "" {
			hint = "there are " + strings.Join(formNames(), ", ")
		}
		return usage(fmt.Errorf("there is no form %q to export as", f.as), hint)
	}
	if ref != "" && isHistory(ref) {
		return r.exportHistory(ref, f)
	}
	c, err := r.openRun(f.out, ref)
	if err != nil {
		return err
	}
	if f.redact {
		if c, err = r.redacted(ctx, c); err != nil {
			return err
		}
	}
	if f.as == asZip {
		return r.writeOut(f.to, c.folder.ID()+store.BundleSuffix, func(w io.Writer) error { return r.pack(w, c) }, !f.redact)
	}
	return r.exportForm(c.source(f.key), c.folder.ID(), f)
}

// exportHistory exports a history that comes without a run.
func (r *root) exportHistory(file string, f exportFlags) error {
	if f.as == asZip || f.redact {
		return usage(errors.New("a history by itself has no run to pack or to redact"), "name a run, or another form with --as")
	}
	h, _, err := readAny(file, "")
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return r.exportForm(export.Source{Scenario: base, History: h, Key: f.key}, base, f)
}

func (r *root) exportForm(s export.Source, base string, f exportFlags) error {
	form := export.Forms()[slices.IndexFunc(export.Forms(), func(x export.Form) bool { return x.Name == f.as })]
	if f.key != "" && !slices.ContainsFunc(s.History.Ops, func(op history.Op) bool { return op.Key == f.key }) {
		return usage(fmt.Errorf("there are no operations on the key %q", f.key), "shakedown show --ops lists them all")
	}
	return r.writeOut(f.to, base+form.Extension, func(w io.Writer) error { return form.Write(w, s) }, false)
}

// source is the case for an export of its history.
func (c *runCase) source(key string) export.Source {
	s := c.plan.Scenario
	out := export.Source{
		ID: c.folder.ID(), Scenario: s.Name, System: fmt.Sprintf("%s, %s", systemName(s), countOf(s.System.Nodes, "node")),
		Clients: len(c.plan.Clients), InFlight: c.plan.Scenario.Workload.InFlight, Zero: zeroOf(c.info, c.outcome), History: c.history, Key: key,
	}
	if i := slices.IndexFunc(s.Checks, func(c scenarios.Check) bool { return c.Check == "linearizable" }); i >= 0 {
		out.Model = s.Checks[i].Model
	}
	return out
}

// writeOut writes to the file, or to standard output for "-", and prints where
// it is. A file is there whole or not at all.
func (r *root) writeOut(to, byItself string, write func(io.Writer) error, mayHoldSecrets bool) error {
	if to == "-" {
		return write(r.env.Stdout)
	}
	to = cmp.Or(to, byItself)
	if err := replaceFile(to, write); err != nil {
		return environment(fmt.Errorf("write %s: %w", to, pathless(err)), "")
	}
	if mayHoldSecrets {
		fmt.Fprintln(r.env.Stderr, "shakedown: note: values, logs and settings are in it word for word; --redact replaces them by tokens")
	}
	_, err := fmt.Fprintln(r.env.Stdout, to)
	return err
}

// replaceFile writes a file beside its place, and then puts it there.
func replaceFile(to string, write func(io.Writer) error) error {
	temporary, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*.tmp")
	if err != nil {
		return err
	}
	if err = errors.Join(write(temporary), temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// pack writes the case as a zip with an index page.
func (r *root) pack(w io.Writer, c *runCase) error {
	var index bytes.Buffer
	if err := export.Index(&index, c.judged(), c.folder.Files()); err != nil {
		return err
	}
	return c.folder.Pack(w, map[string][]byte{"index.html": index.Bytes()})
}

// packFolder is pack for a run that may be damaged: what cannot be read is
// packed as it is, without an index page.
func (r *root) packFolder(w io.Writer, f *store.Folder) error {
	c, err := openCase(f)
	if err != nil {
		return f.Pack(w, nil)
	}
	return r.pack(w, c)
}

// judged is the report of a case as result.json has it.
func (c *runCase) judged() report.Run {
	out := c.describe()
	out.Verdict, out.Results = checkers.Unknown, nil
	if c.result != nil {
		out.Verdict, out.Results = c.result.Verdict, c.result.Checks
	} else {
		out.Reasons = append(out.Reasons, "The run was not judged yet: shakedown check "+c.folder.ID()+" does that.")
	}
	return out
}
