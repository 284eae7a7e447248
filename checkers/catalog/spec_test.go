package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cockroachdb/datadriven"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// enough is what a check must be told, beyond which it needs nothing.
func enough(k Known) Spec {
	spec := Spec{Check: k.Name}
	if len(k.Models) > 0 {
		spec.Model = k.Models[0]
	}
	needs := map[string]map[string][]string{
		"recovery": {"within": {"1s"}}, "availability": {"within": {"1s"}}, "latency": {"max": {"1s"}},
		"logs": {"forbid": {"panic:"}}, "command": {"run": {"true"}},
	}
	spec.Options = needs[k.Name]
	return spec
}

// Without this a name could be listed that nobody can ask for, or a check take
// an empty history for a good one.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Names() {
		if seen[k.Name] || k.Says == "" || strings.ContainsAny(k.Says, "\n\t") {
			t.Errorf("%q is there twice, or described as %q", k.Name, k.Says)
		}
		seen[k.Name] = true
		for _, model := range append(k.Models, "")[:max(1, len(k.Models))] {
			spec := enough(k)
			spec.Model = model
			c, err := New(spec)
			if err != nil {
				t.Fatalf("%s %s: %v", k.Name, model, err)
			}
			r := checkers.Run(context.Background(), history.New(nil), []checkers.Checker{c}).Results[0]
			if r.Verdict != checkers.Unknown || len(r.Says) == 0 {
				t.Errorf("%s of nothing: %+v", k.Name, r)
			}
		}
		for _, level := range k.Levels {
			spec := enough(k)
			if spec.Isolation = level; !accepted(spec) {
				t.Errorf("%s does not take its own level %s", k.Name, level)
			}
		}
	}
	for _, name := range []string{"linearizable", "list-append", "rw-register", "set", "set-full", "total-queue", "counter", "unique-ids",
		"bank", "long-fork", "write-skew", "monotonic", "sequential", "causal", "causal-reverse", "session", "log", "leader",
		"stats", "availability", "recovery", "latency", "logs", "convergence", "earned", "invariant", "command"} {
		if !seen[name] {
			t.Errorf("there is no check %s", name)
		}
	}
}

func accepted(spec Spec) bool {
	_, err := New(spec)
	return err == nil
}

// Without this an option could be listed that the check does not read: whoever
// sets it would believe in a promise that nobody looks at.
func TestOptionsAreRead(t *testing.T) {
	for _, k := range Names() {
		for _, o := range k.Options {
			spec := enough(k)
			spec.Options = map[string][]string{}
			for name, value := range enough(k).Options {
				spec.Options[name] = value
			}
			spec.Options[o.Name] = []string{"certainly not", "given twice"}
			many := strings.Contains(o.Says, "repeated")
			if accepted(spec) != many && o.Name != "guarantee" && o.Name != "initial" {
				t.Errorf("%s takes the option %s twice: %v", k.Name, o.Name, !many)
			}
			if o.Says == "" || strings.Contains(o.Says, "\n") {
				t.Errorf("%s: option %s is described as %q", k.Name, o.Name, o.Says)
			}
		}
	}
}

// Without this what a check says could rest on the order of a file's lines.
func TestNoRealTime(t *testing.T) {
	h := history.New([]history.Op{
		{Index: 0, Process: 0, F: "write", Key: "x", Value: []byte("1")},
		{Index: 1, Process: 0, Type: history.OK, F: "write", Key: "x", Value: []byte("1")},
		{Index: 2, Process: 1, F: "read", Key: "x"},
		{Index: 3, Process: 1, Type: history.OK, F: "read", Key: "x"},
	})
	h.SessionOnly = true
	timeless := map[string]bool{"list-append": true, "rw-register": true, "unique-ids": true, "stats": true, "earned": true, "logs": true}
	for _, k := range Names() {
		c, err := New(enough(k))
		if err != nil {
			t.Fatal(err)
		}
		r := c.Check(context.Background(), h)
		refused := len(r.Says) > 0 && strings.Contains(r.Says[0], "only knows the order within each session")
		if refused == timeless[k.Name] || r.Verdict == checkers.Violation {
			t.Errorf("%s: %v %q", k.Name, r.Verdict, r.Says)
		}
	}
}

// Without this a mistake in what is asked for could come with a riddle for an
// answer, or go unseen.
func TestMistakes(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			spec := Spec{Check: d.Cmd, Options: map[string][]string{}, Logs: fstest.MapFS{}}
			for _, arg := range d.CmdArgs {
				switch arg.Key {
				case "model":
					spec.Model = arg.Vals[0]
				case "isolation":
					spec.Isolation = arg.Vals[0]
				default:
					spec.Options[arg.Key] = arg.Vals
				}
			}
			c, err := New(spec)
			if err != nil {
				return fmt.Sprintf("error: %v\n", err)
			}
			return "a check called " + c.Name() + "\n"
		})
	})
}
