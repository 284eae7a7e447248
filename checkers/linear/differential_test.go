package linear

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// histories is how many random histories each line of the table gets: enough
// to be quick, or what SHAKEDOWN_HISTORIES says.
func histories(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SHAKEDOWN_HISTORIES")
	if text == "" {
		return 15_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAgainstPorcupine compares every engine with porcupine. The engines named
// must each have decided a good part of the histories, both ways.
func TestAgainstPorcupine(t *testing.T) {
	for _, c := range []struct {
		object       Object
		repeat, wide bool
		engines      string
	}{
		{Register, false, false, "zones"},
		{Register, false, true, "zones register-search"},
		{Register, true, false, "register-search"},
		{Register, true, true, "register-search"},
		{Counter, false, false, "counter"},
		{Counter, false, true, "search"},
		{Counter, true, true, "zones"},
		{Set, false, false, "elements"},
		{Set, true, true, "elements and register-search"},
		{GrowSet, false, false, "snapshots"},
		{GrowSet, true, false, "search"},
		{Log, false, false, "snapshots"},
		{Log, true, false, "search"},
		{Queue, false, false, "queue"},
		{Queue, false, true, "queue search"},
		{Queue, true, true, "search"},
		{Stack, false, false, "stack"},
		{Stack, false, true, "stack search"},
		{PriorityQueue, false, false, "priority-queue"},
		{PriorityQueue, true, true, "search"},
		{Mutex, false, false, "mutex-search"},
		{Lock, false, false, "locks lock-search"},
	} {
		name := fmt.Sprintf("object %d repeat %v wide %v", c.object, c.repeat, c.wide)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(c.object), 7))
			s := script{rng: rng, object: c.object, repeat: c.repeat, wide: c.wide}
			decided := map[string]*[3]int{}
			n := histories(t)
			for i := range n {
				ops := s.history()
				r := Judge(context.Background(), c.object, ops)
				if want := porcupineSays(c.object, ops); r.Verdict != want {
					t.Fatalf("history %d: %+v, porcupine says %v\n%s", i, r, want, dump(ops))
				}
				checkWitness(t, c.object, ops, r)
				if decided[r.Engine] == nil {
					decided[r.Engine] = &[3]int{}
				}
				decided[r.Engine][r.Verdict]++
			}
			for engine := range strings.SplitSeq(c.engines, " ") {
				if c.object == Set && c.wide {
					engine = c.engines
				}
				d := decided[engine]
				if d == nil || d[Linearizable] < n/2000 || d[Violated] < n/2000 {
					t.Errorf("engine %s decided too little: %v", engine, d)
				}
			}
			for engine, d := range decided {
				t.Log(engine, *d)
			}
		})
	}
}

// checkWitness checks that a violation points at operations, in order.
func checkWitness(t *testing.T, object Object, ops []Op, r Result) {
	t.Helper()
	if r.Verdict != Violated {
		return
	}
	if len(r.Witness) == 0 || r.Reason == "" {
		t.Fatalf("no witness: %+v\n%s", r, dump(ops))
	}
	for i, w := range r.Witness {
		if w < 0 || w >= len(ops) || i > 0 && r.Witness[i-1] >= w {
			t.Fatalf("witness %v\n%s", r.Witness, dump(ops))
		}
	}
}

func dump(ops []Op) string {
	var b strings.Builder
	for i, o := range ops {
		unknown := ""
		if o.Unknown {
			unknown = " unknown"
		}
		fmt.Fprintf(&b, "%d: [%d,%d]%s kind %d value %d new %d %v\n", i, o.Call, o.Return, unknown, o.Kind, o.Value, o.New, o.Whole)
	}
	return b.String()
}
