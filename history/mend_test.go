package history_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shakedown-dev/shakedown/history"
)

// Without this test nobody could look up what is made of what others leave out.
func TestMend(t *testing.T) {
	datadriven.Walk(t, "testdata/mend", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			ops, err := parseForeign(d.Input)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			h, err := history.Mend(ops, func(i int) int { return i + 1 })
			switch {
			case err != nil:
				return fmt.Sprintf("error: %v\n", err)
			case d.Cmd == "faults":
				return describeWindows(h)
			case d.Cmd != "mend":
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			return describeEvents(h)
		})
	})
}

// parseForeign reads the notation of parseTiny, in which times, processes and
// indexes may be missing.
func parseForeign(input string) ([]history.Op, error) {
	var ops []history.Op
	for _, line := range strings.Split(input, "\n") {
		if rest, ok := strings.CutPrefix(line, "- "); ok {
			line = "-1ns " + rest
		}
		op, err := parseTinyLine(strings.Replace(line, " p? ", " p-2 ", 1))
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func describeEvents(h *history.History) string {
	var s strings.Builder
	for _, op := range h.Ops {
		words := []string{fmt.Sprintf("#%d %v p%d %v %s", op.Index, op.Time, op.Process, op.Type, op.F), op.Key, string(op.Value)}
		if op.Error != "" {
			words = append(words, "("+op.Error+")")
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		fmt.Fprintln(&s, strings.Join(words, " "))
	}
	return s.String()
}

func describeWindows(h *history.History) string {
	var s strings.Builder
	moment := func(at time.Duration) string {
		if at < 0 {
			return "never"
		}
		return at.String()
	}
	for _, f := range h.Faults() {
		fmt.Fprintf(&s, "%s %s: inject %s, in force %s, heal %s, healed %s", f.ID, f.Fault,
			moment(f.Inject), moment(f.InForce), moment(f.Heal), moment(f.Healed))
		for _, more := range [][2]string{{"on", strings.Join(f.Nodes, " ")}, {"says", f.Says}, {"evidence", f.Evidence}, {"error", f.Error}} {
			if more[1] != "" {
				fmt.Fprintf(&s, "; %s %s", more[0], more[1])
			}
		}
		s.WriteString("\n")
	}
	return s.String()
}

// soup draws events that are about one operation, in any order and with
// anything missing.
func soup(t *rapid.T) []history.Op {
	ops := make([]history.Op, rapid.IntRange(0, 14).Draw(t, "events"))
	for i := range ops {
		ops[i] = history.Op{
			Index:   rapid.IntRange(history.NoIndex, 20).Draw(t, "index"),
			Time:    time.Duration(rapid.IntRange(int(history.NoTime), 9).Draw(t, "time")),
			Process: rapid.SampledFrom([]int{history.NoProcess, history.Nemesis, 0, 1, 1 << 20}).Draw(t, "process"),
			Type:    history.Type(rapid.IntRange(0, 3).Draw(t, "type")),
			F:       "write",
			Node:    fmt.Sprint(i), // to know it again
		}
	}
	if rapid.Bool().Draw(t, "indexed") {
		for i := range ops {
			ops[i].Index = 3 * ((i * 5) % len(ops))
		}
	}
	return ops
}

// Without this test a foreign history could lose events, become unreadable, or
// have operations follow each other that did not: the way to a false alarm.
func TestMendingAddsNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := soup(t)
		before := slices.Clone(ops)
		h, err := history.Mend(ops, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Validate(); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(before, func(op history.Op) bool { return op.Index < 0 }) {
			slices.SortStableFunc(before, func(a, b history.Op) int { return a.Index - b.Index })
		}
		checkOrder(t, before, h)
	})
}

// checkOrder says that all events of before are in h, in their order and with
// their type, and that operations are no narrower than the events said.
func checkOrder(t *rapid.T, before []history.Op, h *history.History) {
	next := 0
	for _, op := range h.Ops {
		if next < len(before) && op.Node == before[next].Node && (op.Type == before[next].Type || op.Process == history.Nemesis) {
			next++
		}
	}
	if next != len(before) {
		t.Fatalf("event %d is lost or out of order:\n%v", next, h)
	}
	for _, o := range h.Operations() {
		// A completion that was recorded belongs to the invocation recorded
		// last before it by the same process; any other partner is invented.
		if o.Complete != nil && o.Complete.Type != history.Info && o.Invoke.Node == o.Complete.Node {
			for _, op := range h.Ops[o.Invoke.Index+1 : o.Complete.Index] {
				if op.Process == o.Invoke.Process {
					t.Fatalf("events %d, %d: another event of the process lies between", o.Invoke.Index, o.Complete.Index)
				}
			}
		}
	}
}

// Without this test our own histories could change when they are read back
// from another's format.
func TestMendLeavesValidHistoriesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := soup(t)
		for i := range ops {
			ops[i].Value = json.RawMessage("1")
		}
		mended, err := history.Mend(ops, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(mended.Ops)
		again, err := history.Mend(mended.Ops, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, again.Ops); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}
