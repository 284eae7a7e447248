package linear

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestData reads tiny histories aloud. Each line is an operation: what it did,
// and when, "[call,return]"; "?" in place of the return means that nobody knows
// whether it happened. The answer names the engine and the witness.
func TestData(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			object, ok := map[string]Object{
				"register": Register, "counter": Counter, "set": Set, "grow-set": GrowSet, "log": Log, "queue": Queue, "stack": Stack,
				"priority-queue": PriorityQueue, "mutex": Mutex, "lock": Lock, "lease": Lease, "fencing": Fencing,
			}[d.Cmd]
			if !ok {
				d.Fatalf(t, "no object %s", d.Cmd)
			}
			var ops []Op
			for line := range strings.Lines(d.Input) {
				ops = append(ops, parseOp(t, line))
			}
			r := Minimize(context.Background(), object, ops, Judge(context.Background(), object, ops))
			says := fmt.Sprintf("%v by %s", r.Verdict, r.Engine)
			if r.Reason != "" {
				says += ": " + r.Reason
			}
			for _, w := range r.Witness {
				says += "\n  " + strings.Split(d.Input, "\n")[w]
			}
			return says
		})
	})
}

// parseOp reads "cas 1 2 [3,4]", "snapshot 1 2 3 [5,6]", "take [7,?]".
func parseOp(t *testing.T, line string) Op {
	words := strings.Fields(line)
	last := len(words) - 1
	from, to, _ := strings.Cut(strings.Trim(words[last], "[]"), ",")
	kind, ok := map[string]Kind{
		"read": Read, "write": Write, "cas": CAS, "refuse": Refuse, "add": Add, "fetch-add": FetchAdd, "insert": Insert, "remove": Remove,
		"discard": Discard, "has": Has, "lacks": Lacks, "snapshot": Snapshot, "put": Put, "take": Take, "empty": Empty, "peek": Peek,
		"acquire": Acquire, "release": Release, "grant": Grant, "accept": Accept,
	}[words[0]]
	if !ok {
		t.Fatalf("what is %q?", line)
	}
	o := Op{Kind: kind, Call: integer(t, from), Unknown: to == "?"}
	if !o.Unknown {
		o.Return = integer(t, to)
	}
	for i, w := range words[1:last] {
		switch v := integer(t, w); {
		case kind == Snapshot:
			o.Whole = append(o.Whole, v)
		case i == 0:
			o.Value = v
		default:
			o.New = v
		}
	}
	return o
}

func integer(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
