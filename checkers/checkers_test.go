package checkers

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/history"
)

// TestData is what every checker says about small histories, to be read aloud.
// Without it, a change of a verdict or of a sentence would go unseen. Rewrite
// with -rewrite, and look at what changed.
func TestData(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return runCommand(t, d)
		})
	})
}

// arguments are those of a command, for the checks that take them.
type arguments struct {
	model      string
	within     time.Duration
	ok         int
	everyFault bool
	forbid     []string
	files      fs.FS
}

// runCommand runs the check that the command names, with its arguments.
func runCommand(t *testing.T, d *datadriven.TestData) string {
	var a arguments
	events, counts := false, false
	for _, arg := range d.CmdArgs {
		value := strings.Join(arg.Vals, ",")
		switch arg.Key {
		case "model":
			a.model = value
		case "within":
			a.within = duration(t, value)
		case "ok":
			a.ok = number0(t, value)
		case "every-fault":
			a.everyFault = true
		case "forbid":
			a.forbid = arg.Vals
		case "events":
			events = true
		case "counts":
			counts = true
		default:
			t.Fatalf("no argument %q", arg.Key)
		}
	}
	input := d.Input
	if d.Cmd == "logs" {
		a.files, input = parseLogs(input)
	}
	c, err := a.checker(t, d.Cmd)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	h := parseHistory(t, input)
	return render(h, Run(context.Background(), h, []Checker{c}).Results[0], events, counts)
}

// checker makes the check of that name.
func (a arguments) checker(t *testing.T, name string) (Checker, error) {
	switch name {
	case "linearizable":
		return Linearizable(a.model, RegisterOptions{})
	case "stats":
		return Stats(), nil
	case "earned":
		return Earned(a.ok, a.everyFault)
	case "recovery":
		return Recovery(a.within)
	case "logs":
		return Logs(a.forbid, a.files)
	}
	t.Fatalf("no check %q", name)
	return nil, nil
}

func render(h *history.History, r Result, events, counts bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Verdict)
	for _, says := range r.Says {
		fmt.Fprintf(&b, "%s\n", says)
	}
	if events {
		for _, e := range r.Evidence {
			op := h.Ops[e]
			fmt.Fprintf(&b, "#%d p%d %s %s %s\n", e, op.Process, op.Type, op.F, op.Value)
		}
	}
	if counts {
		for _, k := range slices.Sorted(maps.Keys(r.Counts)) {
			fmt.Fprintf(&b, "%s: %d\n", k, r.Counts[k])
		}
	}
	return b.String()
}

// parseLogs takes the lines "file n1/stdout.log: text" out of the input, with
// \x1b and the like as in a Go string.
func parseLogs(input string) (fstest.MapFS, string) {
	files := fstest.MapFS{}
	var rest []string
	for line := range strings.Lines(input) {
		name, isFile := strings.CutPrefix(line, "file ")
		if !isFile {
			rest = append(rest, line)
			continue
		}
		name, text, _ := strings.Cut(strings.TrimSpace(name), ":")
		if files[name] == nil {
			files[name] = &fstest.MapFile{}
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if raw, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`); err == nil {
			text = raw
		}
		files[name].Data = append(files[name].Data, text+"\n"...)
	}
	return files, strings.Join(rest, "")
}

func duration(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func number0(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
