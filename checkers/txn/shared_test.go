package txn

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/history"
)

// latticeOf reads the lattice once for all tests.
var latticeOf = sync.OnceValue(func() *lattice {
	l, _ := newLattice()
	return l
})

// inspect judges a history and returns what the checker itself knows.
func inspect(t testing.TB, h *history.History, lists bool, o Options) (*judgement, checkers.Result) {
	t.Helper()
	l := latticeOf()
	if l == nil {
		t.Fatal("no lattice")
	}
	c := &checker{name: "test", options: o, lists: lists, lattice: l}
	level, err := l.model(o.Level)
	if err != nil {
		t.Fatal(err)
	}
	d, err := load(context.Background(), h, lists)
	if err != nil {
		t.Fatal(err)
	}
	j := newJudgement(l, level, d)
	if lists {
		err = j.lists(context.Background(), d, h)
	} else {
		err = j.registers(context.Background(), d, h, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	for m := range j.out {
		if j.proved[m] {
			t.Fatalf("%s is both proved and ruled out", m)
		}
	}
	return j, c.result(j, d)
}

// Elle's verdicts, and the weakest levels that it rules out, are ours. We find
// more anomalies than it does in three of them:
//
//   - lost-append is a class of ours: acknowledged, and no later read shows it;
//   - lost-update: T1 completed before T2 began, in the same process, and T2
//     read [0] without T1's append. That is G-single-item-process. Elle, which
//     found the worse G2-item between the same two, does not look for it.
func TestElleListAppend(t *testing.T) {
	tests := []struct {
		file, level string
		verdict     checkers.Verdict
		not         string
		anomalies   string
	}{
		{"adya-fig3-serializable", "serializable", checkers.Valid, "", ""},
		{"dirty-update-direct", "read-committed", checkers.Violation, "read-committed", "G1a dirty-update"},
		{"double-write-one-txn-ok", "strict-serializable", checkers.Valid, "", ""},
		{"future-read", "read-committed", checkers.Violation, "read-committed", "future-read"},
		{"g-nonadjacent", "strict-serializable", checkers.Violation, "repeatable-read snapshot-isolation", "G-nonadjacent-item"},
		{"g0", "read-uncommitted", checkers.Violation, "read-uncommitted", "G0"},
		{"g1a", "read-committed", checkers.Violation, "read-committed", "G1a"},
		{"g1b", "strict-serializable", checkers.Violation, "read-committed", "G-single-item G1b lost-append"},
		{"g2-adjacent-not-nonadjacent", "snapshot-isolation", checkers.Valid, "", ""},
		{"g2-item", "serializable", checkers.Violation, "repeatable-read", "G2-item"},
		{"lost-update", "strict-serializable", checkers.Violation, "cursor-stability update-atomic", "G-single-item-process G2-item lost-append lost-update"},
		{"rr-g-nonadjacent-item", "repeatable-read", checkers.Violation, "repeatable-read snapshot-isolation", "G-nonadjacent-item lost-append"},
		{"strong-session-si-violation", "strong-session-snapshot-isolation", checkers.Violation, "strong-session-snapshot-isolation", "G-single-item-process"},
		{"strong-si-violation", "strict-serializable", checkers.Violation, "strong-snapshot-isolation", "G-single-item-realtime"},
		{"wr-process", "strong-session-snapshot-isolation", checkers.Violation, "strong-session-read-committed", "G1c-process"},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			h := readShared(t, "elle-unit-list-append/"+test.file+".edn")
			j, r := inspect(t, h, true, Options{Level: test.level})
			if r.Verdict != test.verdict {
				t.Errorf("%v, want %v", r.Verdict, test.verdict)
			}
			if not := strings.Join(j.lattice.weakest(j.out), " "); test.verdict == checkers.Violation && not != test.not {
				t.Errorf("rules out %s, want %s", not, test.not)
			}
			var names []string
			for _, a := range j.anomalies() {
				names = append(names, a.anomaly)
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); test.verdict == checkers.Violation && got != test.anomalies {
				t.Errorf("anomalies %s, want %s", got, test.anomalies)
			}
			if t.Failed() {
				t.Log(strings.Join(r.Says, "\n"))
			}
		})
	}
}

// si-without-g-single was judged by its authors without real time; with it, the
// read of 9 = nil began after the append of 2 had been acknowledged, which
// rules out strong snapshot isolation as well.
func TestElle(t *testing.T) {
	for _, test := range []struct {
		file, level string
		verdict     checkers.Verdict
		not         string
	}{
		{"elle/huge-scc.edn", "", checkers.Violation, "strong-snapshot-isolation"},
		{"elle/paper-example.edn", "serializable", checkers.Violation, ""},
		{"elle/si-without-g-single.edn", "", checkers.Violation, "repeatable-read strong-snapshot-isolation"},
		{"elle/si-without-g-single.edn", "snapshot-isolation", checkers.Valid, "repeatable-read strong-snapshot-isolation"},
		{"elle-cli/elle/list-append-gh-30.edn", "serializable", checkers.Violation, ""},
		{"elle-cli/elle/paper-example.json", "", checkers.Violation, ""},
	} {
		t.Run(test.file+" "+test.level, func(t *testing.T) {
			j, r := inspect(t, readShared(t, test.file), true, Options{Level: test.level})
			if r.Verdict != test.verdict {
				t.Errorf("%v, want %v", r.Verdict, test.verdict)
			}
			if not := strings.Join(j.lattice.weakest(j.out), " "); test.not != "" && not != test.not {
				t.Errorf("rules out %s, want %s", not, test.not)
			}
			t.Log(strings.Join(r.Says, "\n"))
		})
	}
}

// TestElleRegisters has two columns where we disagree with Elle, with proof:
//
//   - wfr-off (Elle: valid) is not serializable. The first transaction reads
//     y = 1 and writes x = 1 and y = 2; the second reads x = 1, so it follows;
//     it reads y = 1, but 1 was there before the first replaced it, and nobody
//     writes 1 twice. Elle, told not to use that writes follow reads, does not
//     see it. What it says of read uncommitted, where that may not be used, is
//     ours too.
//   - four of the histories read values that nobody wrote. As they are they are
//     cut out of longer ones, which AnyInitial says; without it, garbage-read
//     rules out everything.
func TestElleRegisters(t *testing.T) {
	byEvent := func(places map[int]int64) func(history.Operation) (int64, bool) {
		return func(o history.Operation) (int64, bool) {
			place, ok := places[o.Invoke.Process]
			return place, ok
		}
	}
	for _, test := range []struct {
		file    string
		options Options
		verdict checkers.Verdict
		not     string
	}{
		{"cyclic-versions-linearizable-keys", Options{LinearizableKeys: true}, checkers.Violation, "read-uncommitted"},
		{"g-single-transaction-order", Options{Level: "serializable", Order: byEvent(map[int]int64{0: 2, 1: 1})}, checkers.Violation, "consistent-view repeatable-read"},
		{"g0-sequential-keys", Options{SequentialKeys: true}, checkers.Violation, "read-uncommitted"},
		{"g1b", Options{Level: "repeatable-read"}, checkers.Violation, "read-committed"},
		{"g2-item-linearizable-keys-rc", Options{Level: "read-committed", LinearizableKeys: true, AnyInitial: true}, checkers.Valid, ""},
		{"g2-item-linearizable-keys-rc", Options{Level: "read-committed", LinearizableKeys: true}, checkers.Violation, "read-uncommitted"},
		{"g2-item-transaction-order", Options{Level: "serializable", Order: byEvent(map[int]int64{0: 1, 1: 4, 2: 2, 3: 3})}, checkers.Violation, "repeatable-read"},
		{"initial-state-g-single", Options{Level: "serializable"}, checkers.Violation, "consistent-view repeatable-read"},
		{"lost-update", Options{AnyInitial: true}, checkers.Violation, "cursor-stability update-atomic"},
		{"lost-update", Options{}, checkers.Violation, "read-uncommitted"},
		{"wfr-off", Options{Level: "serializable", AnyInitial: true}, checkers.Violation, "consistent-view repeatable-read"},
		{"wfr-off", Options{Level: "read-uncommitted", AnyInitial: true}, checkers.Valid, ""},
		{"wfr-off", Options{Level: "serializable"}, checkers.Violation, "read-uncommitted"},
	} {
		t.Run(test.file+" "+test.options.Level, func(t *testing.T) {
			j, r := inspect(t, readShared(t, "elle-unit-rw-register/"+test.file+".edn"), false, test.options)
			if r.Verdict != test.verdict {
				t.Errorf("%v, want %v", r.Verdict, test.verdict)
			}
			weakest := slices.DeleteFunc(j.lattice.weakest(j.out), func(m string) bool {
				return strings.HasPrefix(m, "session-") || m == readAtomic // Elle has no test for these
			})
			if not := strings.Join(weakest, " "); test.verdict == checkers.Violation && not != test.not {
				t.Errorf("rules out %s, want %s", not, test.not)
			}
			if t.Failed() {
				t.Log(strings.Join(r.Says, "\n"))
			}
		})
	}
}

// TestGarbage: what elle-cli calls ok holds a read of 3, which nobody wrote. No
// level allows that.
func TestGarbage(t *testing.T) {
	j, r := inspect(t, readShared(t, "elle-cli/elle/rw-register.json"), false, Options{})
	if r.Verdict != checkers.Violation || !j.out[readUncommitted] || r.Counts["anomaly garbage-read"] != 1 {
		t.Error(r.Verdict, r.Says)
	}
}

func TestAWDIT(t *testing.T) {
	for _, test := range []struct {
		file       string
		rc, ra, cc checkers.Verdict
	}{
		{"causal/fully-ser.txt", checkers.Valid, checkers.Valid, checkers.Valid},
		{"causal/generated/l20e200sqrt.txt", checkers.Valid, checkers.Valid, checkers.Valid},
		{"causal/long-fork.txt", checkers.Valid, checkers.Valid, checkers.Valid},
		{"none/hb-cycle.txt", checkers.Violation, checkers.Violation, checkers.Violation},
		{"read-atomic/generated/l100e1000sqrt.txt", checkers.Valid, checkers.Valid, checkers.Violation},
		{"read-atomic/generated/l4e10sqrt.txt", checkers.Valid, checkers.Valid, checkers.Violation},
		{"read-atomic/generated/l6e30sqrt.txt", checkers.Valid, checkers.Valid, checkers.Violation},
		{"read-committed/biswas-enea.txt", checkers.Valid, checkers.Violation, checkers.Violation},
		{"read-committed/generated/l10e100sqrt.txt", checkers.Valid, checkers.Violation, checkers.Violation},
		{"read-committed/generated/l5e20sqrt.txt", checkers.Valid, checkers.Violation, checkers.Violation},
		{"read-committed/non-repeatable-read.txt", checkers.Valid, checkers.Violation, checkers.Violation},
	} {
		for level, want := range map[string]checkers.Verdict{"read-committed": test.rc, "read-atomic": test.ra, "causal": test.cc} {
			t.Run(test.file+" "+level, func(t *testing.T) {
				_, r := inspect(t, readShared(t, "awdit/"+test.file), false, Options{Level: level})
				if r.Verdict != want {
					t.Errorf("%v, want %v:\n%s", r.Verdict, want, strings.Join(r.Says, "\n"))
				}
			})
		}
	}
}

func TestRealViolations(t *testing.T) {
	for _, test := range []struct{ file, level string }{
		{"cobra-cock-G2.txt", "serializable"},
		{"cobra-yuga-G2-b.txt", "serializable"},
		{"isovista-dgraph_si.txt", "snapshot-isolation"},
		{"isovista-yugabyte_tcc.txt", "causal"},
		{"polysi-galera.txt", "snapshot-isolation"},
	} {
		t.Run(test.file, func(t *testing.T) {
			_, r := inspect(t, readShared(t, "real-db-violations/"+test.file), false, Options{Level: test.level})
			if r.Verdict != checkers.Violation {
				t.Errorf("%v, want violation", r.Verdict)
			}
			t.Log(strings.Join(r.Says, "\n"), r.Counts)
		})
	}
}
