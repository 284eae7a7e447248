package txn

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

var million = flag.Bool("million", false, "plant anomalies in histories of a million transactions as well")

// A plant is an anomaly that is put into a valid history: a few transactions
// on keys of their own, all at one place. Each line is an event.
type plant struct {
	anomaly string // what must be found, at least
	not     string // the weakest level that it rules out, or one of them
	events  string
}

// plants reads the plants of a checker. The first line of each names the
// anomaly and the level; then there is a line for each event.
func plants(t testing.TB, check string) []plant {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "plants", check+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var list []plant
	for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		title, events, _ := strings.Cut(block, "\n")
		anomaly, not, ok := strings.Cut(title, " ")
		if !ok || len(events) == 0 {
			t.Fatalf("%q is no plant", block)
		}
		list = append(list, plant{anomaly: anomaly, not: not, events: events})
	}
	return list
}

// in puts the plant into the history at a place, and returns the new history
// and the indexes of the planted events.
func (p plant) in(h *history.History, at int) (*history.History, []int) {
	var planted []history.Op
	for _, line := range strings.Split(strings.TrimSpace(p.events), "\n") {
		fields := strings.Fields(line)
		op := history.Op{Process: 1_000_000 + int(fields[0][0]), F: "txn", Value: json.RawMessage(fields[2])}
		if err := op.Type.UnmarshalText([]byte(fields[1])); err != nil {
			panic(err)
		}
		planted = append(planted, op)
	}
	ops := slices.Concat(h.Ops[:at], planted, h.Ops[at:])
	var events []int
	for i := range ops {
		ops[i].Index, ops[i].Time = i, time.Duration(i)*time.Microsecond
		if i >= at && i < at+len(planted) {
			events = append(events, i)
		}
	}
	return history.New(ops), events
}

func sizes() []int {
	if *million {
		return []int{1_000, 100_000, 1_000_000}
	}
	if testing.Short() {
		return []int{1_000}
	}
	return []int{1_000, 100_000}
}

// TestPlanted finds every planted anomaly, names it, and has what was planted
// among the evidence.
func TestPlanted(t *testing.T) {
	for _, lists := range []bool{true, false} {
		check := ListAppend(Options{})
		if !lists {
			check = RWRegister(Options{})
		}
		for _, n := range sizes() {
			w := usual(lists)
			w.unknown = 0.01
			valid := w.make(n, 3)
			if r := check.Check(context.Background(), valid); r.Verdict != checkers.Valid {
				t.Fatalf("the history without a plant is %v: %v", r.Verdict, r.Says)
			}
			rng := rand.New(rand.NewPCG(5, uint64(n)))
			for i, p := range plants(t, check.Name()) {
				if n >= 100_000 && (i+1)%4 > 0 && !*million {
					continue // each takes a second
				}
				t.Run(fmt.Sprintf("%s/%s/%d", check.Name(), p.anomaly, n), func(t *testing.T) {
					h, planted := p.in(valid, rng.IntN(len(valid.Ops)))
					finds(t, check.Check(context.Background(), h), p, planted)
				})
			}
		}
	}
}

func finds(t *testing.T, r checkers.Result, p plant, planted []int) {
	t.Helper()
	if r.Verdict != checkers.Violation {
		t.Fatalf("%v: %v", r.Verdict, r.Says)
	}
	if r.Counts["anomaly "+p.anomaly] == 0 {
		t.Errorf("%s was not found: %v", p.anomaly, r.Counts)
	}
	if !strings.Contains(r.Says[0], p.not) {
		t.Errorf("it does not say that it is not %s: %s", p.not, r.Says[0])
	}
	for _, e := range r.Evidence {
		if !slices.Contains(planted, e) {
			t.Errorf("event %d is in the evidence, but the planted are %v", e, planted)
		}
	}
	if len(r.Evidence) < 2 {
		t.Errorf("the evidence is only %v", r.Evidence)
	}
}

// TestKnotIsNamedByItsLevel asks for a strong level, which is violated because a
// weaker one is: the weaker one is named, however long the history is, although
// inference sees neither.
func TestKnotIsNamedByItsLevel(t *testing.T) {
	for _, n := range []int{1_000, 2 * few} {
		h, planted := plant{events: knot}.in(usual(false).make(n, 3), n)
		for _, level := range []string{"serializable", "strong-session-serializable", "strict-serializable"} {
			r := RWRegister(Options{Level: level}).Check(t.Context(), h)
			if r.Verdict != checkers.Violation || !strings.HasPrefix(r.Says[0], "The history is not repeatable-read") {
				t.Errorf("%d, %s: %v: %v", n, level, r.Verdict, r.Says)
			}
			for _, e := range r.Evidence {
				if !slices.Contains(planted, e) {
					t.Errorf("%d, %s: event %d is in the evidence, but the planted are %v", n, level, e, planted)
				}
			}
		}
	}
}

// TestEdited changes a read in the midst of a valid history to what it could
// not show any more.
func TestEdited(t *testing.T) {
	for _, lists := range []bool{true, false} {
		check := ListAppend(Options{})
		if !lists {
			check = RWRegister(Options{})
		}
		for _, n := range sizes() {
			h := usual(lists).make(n, 9)
			at, value := staleRead(t, h, lists, rand.New(rand.NewPCG(1, uint64(n))))
			h = history.New(slices.Clone(h.Ops))
			before := string(h.Ops[at].Value)
			h.Ops[at].Value = value
			r := check.Check(context.Background(), h)
			if r.Verdict != checkers.Violation || !slices.Contains(r.Evidence, at) {
				t.Errorf("%s, %d: event %d was %s and is %s, but: %v, evidence %v, %v", check.Name(), n, at, before, value, r.Verdict, r.Evidence, r.Says)
			}
		}
	}
}

// staleRead returns a completion with a read, and its value with that read
// made older: by something that was acknowledged before the reader began.
func staleRead(t *testing.T, h *history.History, lists bool, rng *rand.Rand) (int, []byte) {
	t.Helper()
	d, err := load(context.Background(), h, lists)
	if err != nil {
		t.Fatal(err)
	}
	for from := rng.IntN(len(d.txns)); ; from = rng.IntN(len(d.txns)) {
		tx := &d.txns[from]
		mops := d.of(int32(from))
		if len(mops) != 1 || mops[0].kind != read || tx.done == never {
			continue
		}
		m := &mops[0]
		last := int64(m.val)
		if lists {
			last = int64(len(d.read(m)))
		}
		if last < 12 {
			continue
		}
		// Versions are numbered from 1, and 10 back is long ago.
		s, ok := d.sources.get(m.key, value(last-9))
		if !ok || s.txn < 0 || d.txns[s.txn].done > tx.invoked {
			continue
		}
		old := fmt.Sprint(last - 10)
		if lists {
			text, err := json.Marshal(d.read(m)[:last-10])
			if err != nil {
				t.Fatal(err)
			}
			old = string(text)
		}
		return int(tx.done), fmt.Appendf(nil, `[["r",%s,%s]]`, d.key(m.key), old)
	}
}
