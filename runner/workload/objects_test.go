package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A kind is a workload with the names that its Mix weighs.
type kind struct {
	name  string
	make  func(Spec) [][]Operation
	names []string
	// sum is of the operations of the storm, see TestOtherBytesStayTheSame.
	sum string
}

func kinds() []kind {
	return []kind{
		{"append", Append, []string{AppendTo, Read}, "7be93499bde08f37"},
		{"rw-register", RWRegister, []string{Write, Read}, "3abacc9111a2a538"},
		{"bank", Bank, []string{Transfer, Read}, "2d6c167588c67204"},
		{"set", Set, []string{Add, Read}, "886e02214d2b0c32"},
		{"queue", Queue, []string{Enqueue, Dequeue}, "044f644c552852d6"},
		{"counter", Counter, []string{Add, Read}, "b3c11a659a4983b4"},
		{"unique-ids", UniqueIDs, []string{Generate}, "ba10684140d2f119"},
		{"log", Log, []string{Send, Poll}, "577f540c6586e164"},
		{"lock", Lock, []string{Acquire}, "4daf4bd7ab8bf624"},
		{"guarded lock", Lock, []string{Acquire, Write}, "758a137d1c2bcc38"},
		{"sequential", Sequential, []string{Write, Read}, "f97f556c712c4ea8"},
		{"causal-reverse", CausalReverse, []string{Write, Read}, "f63cb7c7866aee3f"},
		{"long-fork", LongFork, []string{Write, Read}, "6e6ff5536e8e42f4"},
		{"monotonic", Monotonic, []string{Add, Read}, "9e7253491840db3f"},
		{"write-skew", WriteSkew, []string{Insert}, "88cb08cfe940a0a1"},
	}
}

// spec weighs all names of the kind alike.
func (k kind) spec(s Spec) Spec {
	s.Mix = make(map[string]int)
	for _, name := range k.names {
		s.Mix[name] = 1
	}
	return s
}

func anySpec(rt *rapid.T, k kind) Spec {
	s := specs().Draw(rt, "spec")
	s.TxnLength = rapid.IntRange(0, 6).Draw(rt, "length")
	s.Accounts = rapid.IntRange(0, 9).Draw(rt, "accounts")
	s.MaxTransfer = rapid.IntRange(0, 9).Draw(rt, "most")
	s.GroupSize = rapid.IntRange(0, 5).Draw(rt, "group")
	return k.spec(s)
}

func TestOthersSameSeedSameBytes(t *testing.T) {
	for _, k := range kinds() {
		rapid.Check(t, func(rt *rapid.T) {
			s := anySpec(rt, k)
			if a, b := encode(t, k.make(s)), encode(t, k.make(s)); a != b {
				rt.Fatalf("%s: two calls differ:\n%s\n%s", k.name, a, b)
			}
		})
	}
}

// TestOtherBytesStayTheSame fails when a change makes other plans out of old
// seeds. If that is meant, say so in the release notes and put the new sums here.
func TestOtherBytesStayTheSame(t *testing.T) {
	for _, k := range kinds() {
		sum := sha256.Sum256([]byte(encode(t, k.make(k.spec(storm())))))
		if got := hex.EncodeToString(sum[:8]); got != k.sum {
			t.Errorf("%s: the sum is %s, not %s", k.name, got, k.sum)
		}
	}
}

// What a client does, and when, must not depend on how many others there are.
func TestOthersDoNotDependOnEachOther(t *testing.T) {
	for _, k := range kinds() {
		s := k.spec(closedStorm())
		more := s
		more.Clients = 2 * s.Clients
		a, b := k.make(s), k.make(more)
		for client := range a {
			for n := range a[client] {
				if a[client][n].F != b[client][n].F || a[client][n].At != b[client][n].At {
					t.Fatalf("%s: client %d, operation %d: %+v and %+v", k.name, client, n, a[client][n], b[client][n])
				}
			}
		}
	}
}

func TestOthersKeepTime(t *testing.T) {
	for _, k := range kinds() {
		all := 0
		for _, list := range k.make(k.spec(storm())) {
			last := time.Duration(0)
			for _, op := range list {
				if op.At < last || op.At >= storm().Span {
					t.Fatalf("%s: at %v after %v", k.name, op.At, last)
				}
				last = op.At
			}
			all += len(list)
		}
		if all < 9_500 || all > 10_500 {
			t.Errorf("%s: %d operations in 20s of 500/s", k.name, all)
		}
	}
}

func TestOthersWithoutWeight(t *testing.T) {
	for _, k := range kinds() {
		s := storm()
		s.Mix = nil
		for _, list := range k.make(s) {
			if len(list) > 0 {
				t.Errorf("%s: %d operations of no weight", k.name, len(list))
			}
		}
	}
}

// Values must be unique within their key and every value be JSON: checks are
// fast and exact only then.
func TestOthersWriteEveryValueOnce(t *testing.T) {
	for _, k := range kinds() {
		if k.name == "counter" || k.name == "bank" {
			continue
		}
		rapid.Check(t, func(rt *rapid.T) {
			seen := make(map[string]bool)
			for _, op := range inOrder(k.make(anySpec(rt, k))) {
				if len(op.Value) > 0 && !json.Valid(op.Value) {
					rt.Fatalf("%s: %s", k.name, op.Value)
				}
				for _, w := range written(op) {
					if seen[w] {
						rt.Fatalf("%s: %s is written twice", k.name, w)
					}
					seen[w] = true
				}
			}
		})
	}
}

// written lists what an operation writes, each with its key.
func written(op Operation) []string {
	if op.F == Release || len(op.Value) == 0 {
		return nil
	}
	if op.F != Txn {
		return []string{op.Key + "=" + string(op.Value)}
	}
	var all []string
	for _, m := range microsOf(op) {
		if m[0] != "r" {
			all = append(all, fmt.Sprint(m[1], "=", m[2]))
		}
	}
	return all
}

func microsOf(op Operation) [][]any {
	var micros [][]any
	if op.F != Txn || json.Unmarshal(op.Value, &micros) != nil {
		return nil
	}
	return micros
}

// uses counts how often each key is used.
func uses(ops [][]Operation) map[string]int {
	n := make(map[string]int)
	for _, op := range inOrder(ops) {
		if op.F != Txn {
			n[op.Key]++
		}
		for _, m := range microsOf(op) {
			n[fmt.Sprint(m[1])]++
		}
	}
	return n
}

func TestOthersRetireKeys(t *testing.T) {
	for _, k := range kinds() {
		if k.name == "bank" || k.name == "unique-ids" || k.name == "rw-register" || k.name == "sequential" {
			continue // no keys, no keys, reads that do not count, and keys that end with the next write
		}
		rapid.Check(t, func(rt *rapid.T) {
			s := anySpec(rt, k)
			for key, n := range uses(k.make(s)) {
				if limit := s.OperationsPerKey; limit > 1 && n > limit+2 {
					rt.Fatalf("%s: key %s got %d operations of %d", k.name, key, n, limit)
				}
				if !strings.Contains(key, ".") {
					rt.Fatalf("%s: key %q", k.name, key)
				}
			}
		})
	}
}

func TestBankMovesMoneyBetweenTwo(t *testing.T) {
	bank := kinds()[2]
	rapid.Check(t, func(rt *rapid.T) {
		s := anySpec(rt, bank)
		for _, op := range inOrder(Bank(s)) {
			var v struct{ From, To, Amount int }
			if op.F == Read {
				continue
			}
			if err := json.Unmarshal(op.Value, &v); err != nil {
				rt.Fatal(err)
			}
			accounts := max(orElse(s.Accounts, 8), 2)
			if v.From == v.To || v.From < 0 || v.To < 0 || v.From >= accounts || v.To >= accounts || v.Amount < 1 || v.Amount > max(orElse(s.MaxTransfer, 5), 1) {
				rt.Fatalf("%+v with %d accounts", v, accounts)
			}
		}
	})
}

func TestLocksAreGivenBackByWhoTookThem(t *testing.T) {
	for client, list := range Lock(Spec{Clients: 5, Keys: 3, OperationsPerKey: 20, Mix: map[string]int{Acquire: 1}, ClosedLoopLimit: 101, Seed: 3}) {
		for n, op := range list {
			switch {
			case n%2 == 0 && op.F != Acquire:
				t.Fatalf("client %d, operation %d: %s", client, n, op.F)
			case n%2 == 1 && (op.F != Release || op.Key != list[n-1].Key || string(op.Value) != string(list[n-1].Value)):
				t.Fatalf("client %d takes %+v and gives back %+v", client, list[n-1], op)
			}
		}
	}
}

// What is guarded is written under the lock, by whoever took it.
func TestWhatIsGuardedIsWrittenBetween(t *testing.T) {
	steps := []string{Acquire, Write, Release}
	for client, list := range Lock(Spec{Clients: 5, Keys: 3, OperationsPerKey: 20, Mix: map[string]int{Acquire: 1, Write: 1}, ClosedLoopLimit: 101, Seed: 3}) {
		for n, op := range list {
			first := list[n-n%3]
			if op.F != steps[n%3] || op.Key != first.Key || op.F == Write && op.Value != nil || op.F == Release && string(op.Value) != string(first.Value) {
				t.Fatalf("client %d, operation %d: %+v after %+v", client, n, op, first)
			}
		}
	}
	if lists := Lock(Spec{Clients: 1, Mix: map[string]int{Write: 1}}); len(lists[0]) > 0 {
		t.Errorf("without a weight for acquire there are %d operations", len(lists[0]))
	}
}

// A row is written once, or a read could find subkeys of two writes.
func TestRowsAreWrittenOnce(t *testing.T) {
	written := make(map[string]int)
	for _, op := range inOrder(Sequential(Spec{Clients: 4, Keys: 3, Mix: map[string]int{Write: 1, Read: 3}, ClosedLoopLimit: 200})) {
		if op.F == Write {
			written[op.Key]++
		}
		if written[op.Key] > 1 {
			t.Fatalf("%s is written %d times", op.Key, written[op.Key])
		}
	}
	if len(written) < 150 {
		t.Errorf("only %d rows are written", len(written))
	}
}

func TestTransactionsAreAsLongAsAsked(t *testing.T) {
	s := Spec{Clients: 3, Keys: 5, Mix: map[string]int{AppendTo: 1, Read: 1}, ClosedLoopLimit: 500, TxnLength: 3}
	lengths := make(map[int]bool)
	for _, op := range inOrder(Append(s)) {
		lengths[len(microsOf(op))] = true
	}
	if len(lengths) != 3 || !lengths[1] || !lengths[2] || !lengths[3] {
		t.Errorf("transactions of %v micro-operations", lengths)
	}
}

// Every write of a register must be preceded by a read of it in its transaction.
func TestRegistersAreReadBeforeTheyAreWritten(t *testing.T) {
	s := Spec{Clients: 3, Keys: 3, OperationsPerKey: 20, Mix: map[string]int{Write: 1, Read: 1}, ClosedLoopLimit: 500}
	for _, op := range inOrder(RWRegister(s)) {
		read := make(map[any]bool)
		for _, m := range microsOf(op) {
			if m[0] == "w" && !read[m[1]] {
				t.Fatalf("%s is written before it is read: %s", m[1], op.Value)
			}
			read[m[1]] = true
		}
	}
}

func TestForksReadWholeGroupsOfKeysWrittenOnce(t *testing.T) {
	s := Spec{Clients: 3, Keys: 2, OperationsPerKey: 50, Mix: map[string]int{Write: 1, Read: 2}, ClosedLoopLimit: 500, GroupSize: 3}
	reads, orders := 0, make(map[string]bool)
	for _, op := range inOrder(LongFork(s)) {
		micros := microsOf(op)
		if len(micros) == 1 {
			continue
		}
		reads++
		order, groups := "", make(map[string]bool)
		for _, m := range micros {
			key := m[1].(string)
			cut := strings.LastIndex(key, ".")
			groups[key[:cut]] = true
			order += key[cut+1:]
		}
		orders[order] = true
		if len(micros) != 3 || len(groups) != 1 {
			t.Fatalf("a read of %s", op.Value)
		}
	}
	if reads < 900 || len(orders) != 6 {
		t.Errorf("%d reads in the orders %v", reads, orders)
	}
}

func TestInsertsComeInPairs(t *testing.T) {
	s := Spec{Clients: 4, Keys: 3, Mix: map[string]int{Insert: 1}, ClosedLoopLimit: 100}
	byKey := make(map[string]string)
	for _, op := range inOrder(WriteSkew(s)) {
		byKey[op.Key] += string(op.Value)
	}
	whole := 0
	for key, values := range byKey {
		if values == "[1,null][null,2]" {
			whole++
		} else if values != "[1,null]" {
			t.Errorf("%s: %s", key, values)
		}
	}
	if whole < 198 {
		t.Errorf("%d pairs", whole)
	}
}

func TestTxnKeys(t *testing.T) {
	ops := [][]Operation{
		{{F: Txn, Value: json.RawMessage(`[["append","a2.10",1],["r","a2.9",null]]`)}, {F: Read, Key: "x"}},
		{{F: Txn, Value: json.RawMessage(`[["r","a1.1",null],["r","a2.9",null]]`)}, {F: Txn, Value: json.RawMessage(`17`)}, {F: Txn, Value: json.RawMessage(`[["r"],["r",5]]`)}},
	}
	if got := fmt.Sprint(TxnKeys(ops)); got != "[a1.1 a2.9 a2.10]" {
		t.Error(got)
	}
}

// The weights must be those of what is done.
func TestOthersFollowTheMix(t *testing.T) {
	for _, k := range kinds() {
		counts, all := make(map[string]int), 0
		for _, op := range inOrder(k.make(k.spec(storm()))) {
			if op.F != Txn && k.name != "guarded lock" {
				counts[op.F]++
				all++
			}
		}
		for name, n := range counts {
			if share := float64(n) / float64(all); share < 0.95/float64(len(counts)) || share > 1.05/float64(len(counts)) {
				t.Errorf("%s: %d of %d are %s", k.name, n, all, name)
			}
		}
	}
}
