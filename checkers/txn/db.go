package txn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// never is the event at which an operation completes that never does.
const never = math.MaxInt32

// A transaction is what a client asked and how that ended.
type transaction struct {
	op      history.Operation
	process int32
	// invoked and done are indexes of events; done is never if the outcome is
	// unknown. The history's order is the order of real time.
	invoked, done int32
	outcome       history.Type
	// committed is true for ok, and for an unknown outcome that was seen.
	committed bool
	// lo and hi bound the micro-operations, in db.mops.
	lo, hi int32
}

// A kv is one version of one object.
type kv struct {
	key int32
	val value
}

// A source is where a version comes from.
type source struct {
	// txn is the transaction that wrote it; -1 if several may have.
	txn int32
	// mop is where, in db.mops.
	mop int32
	// last says that the transaction wrote nothing later to the same key.
	last bool
	// failed says that it certainly was not committed.
	failed bool
}

// A db is a history of transactions, made small.
type db struct {
	names
	lists    bool
	txns     []transaction
	mops     []mop
	elements []value
	keys     map[value]int32
	keyNames []value
	sources  *table[source]
	// ambiguous are versions that several transactions may have written.
	ambiguous []kv
	// skipped counts client operations that are no transactions.
	skipped int

	wordRead, wordAppend, wordWrite value
}

// load reads all transactions of the history.
func load(ctx context.Context, h *history.History, lists bool) (*db, error) {
	d := &db{names: names{byText: make(map[string]value)}, lists: lists, keys: make(map[value]int32), sources: newTable[source]()}
	d.wordRead, d.wordAppend, d.wordWrite = d.intern([]byte(`"r"`)), d.intern([]byte(`"append"`)), d.intern([]byte(`"w"`))
	if len(h.Ops) >= math.MaxInt32/2 {
		return nil, errors.New("the history is too long: more than a thousand million events")
	}
	ops := h.Operations()
	d.txns = make([]transaction, 0, len(ops))
	d.mops = make([]mop, 0, 3*len(ops))
	s := scanner{db: d, lists: lists}
	for i, op := range ops {
		if i == sampled {
			d.makeRoom(ops)
		}
		if pulse(i) && ctx.Err() != nil {
			return nil, fmt.Errorf("out of time after reading %d of %d operations", i, len(ops))
		}
		if op.Invoke.F != "txn" && op.Invoke.F != "" {
			d.skipped++
			continue
		}
		if err := d.add(&s, op); err != nil {
			return nil, fmt.Errorf("event %d is no transaction that %s can read: %w", op.Invoke.Index, d.family(), err)
		}
	}
	return d, d.index(ctx)
}

// sampled is how many transactions tell how large the others will be.
const sampled = 4096

// makeRoom makes room for what is still to be read, by what has been: to grow
// step by step costs more than to read.
func (d *db) makeRoom(ops []history.Operation) {
	have, all := 0, 0
	for i, op := range ops {
		if all += len(op.Value()); i < sampled {
			have = all
		}
	}
	more := 1.15 * float64(all-have) / float64(max(have, 1))
	d.elements = slices.Grow(d.elements, int(more*float64(len(d.elements))))
	d.mops = slices.Grow(d.mops, int(more*float64(len(d.mops))))
}

func (d *db) family() string {
	if d.lists {
		return "list-append"
	}
	return "rw-register"
}

// pulse is true now and then, when it is time to look at the clock.
func pulse(i int) bool {
	return i&0x3fff == 0x3fff
}

func (d *db) add(s *scanner, op history.Operation) error {
	t := transaction{
		op: op, process: int32(op.Invoke.Process), invoked: int32(op.Invoke.Index), done: never,
		outcome: op.Type(), lo: int32(len(d.mops)),
	}
	answered := op.Complete != nil && len(op.Complete.Value) > 0
	if err := s.scan(op.Value(), t.outcome == history.OK && answered); err != nil {
		return err
	}
	if t.outcome == history.OK {
		t.done = int32(op.Complete.Index)
		t.committed = true
	}
	t.hi = int32(len(d.mops))
	d.txns = append(d.txns, t)
	return nil
}

func (d *db) keyOf(name value) int32 {
	key, ok := d.keys[name]
	if !ok {
		key = int32(len(d.keyNames))
		d.keys[name] = key
		d.keyNames = append(d.keyNames, name)
	}
	return key
}

func (d *db) of(t int32) []mop {
	return d.mops[d.txns[t].lo:d.txns[t].hi]
}

func (d *db) read(m *mop) []value {
	return d.elements[m.lo:m.hi]
}

// index finds the source of every version, then who was committed.
func (d *db) index(ctx context.Context) error {
	for t := range d.txns {
		if pulse(t) && ctx.Err() != nil {
			return fmt.Errorf("out of time after indexing %d of %d transactions", t, len(d.txns))
		}
		d.indexWrites(int32(t))
	}
	d.commitSeen()
	return nil
}

func (d *db) indexWrites(t int32) {
	mops := d.of(t)
	failed := d.txns[t].outcome == history.Fail
	for i := range mops {
		m := &mops[i]
		if m.kind != write {
			continue
		}
		at := kv{m.key, m.val}
		s := source{txn: t, mop: d.txns[t].lo + int32(i), last: lastWrite(mops, i), failed: failed}
		before, twice := d.sources.get(at.key, at.val)
		switch {
		case !twice || before.failed && !failed:
			d.sources.set(at.key, at.val, s)
		case !failed && before.txn >= 0:
			// Two that may have happened wrote the same.
			d.sources.set(at.key, at.val, source{txn: -1})
			d.ambiguous = append(d.ambiguous, at)
		}
	}
}

func lastWrite(mops []mop, i int) bool {
	for j := i + 1; j < len(mops); j++ {
		if mops[j].kind == write && mops[j].key == mops[i].key {
			return false
		}
	}
	return true
}

// commitSeen finds the transactions of unknown outcome whose writes were read
// by a committed one: they happened.
func (d *db) commitSeen() {
	var unsure bool
	for t := range d.txns {
		unsure = unsure || d.txns[t].outcome == history.Info && d.txns[t].lo < d.txns[t].hi
	}
	if !unsure {
		return
	}
	var queue []int32
	for t := range d.txns {
		if d.txns[t].committed {
			queue = append(queue, int32(t))
		}
	}
	longest := make([][]value, len(d.keyNames))
	for len(queue) > 0 {
		t := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for i := range d.of(t) {
			queue = d.commitRead(&d.of(t)[i], longest, queue)
		}
	}
}

// commitRead commits whoever wrote what was read. Of a list, only what comes
// after its common start with the longest so far is looked at.
func (d *db) commitRead(m *mop, longest [][]value, queue []int32) []int32 {
	if m.kind != read || !m.known {
		return queue
	}
	seen := []value{m.val}
	if d.lists {
		all := d.read(m)
		seen = all[shared(all, longest[m.key]):]
		if len(all) > len(longest[m.key]) {
			longest[m.key] = all
		}
	}
	for _, v := range seen {
		s, ok := d.sources.get(m.key, v)
		if ok && s.txn >= 0 && !s.failed && !d.txns[s.txn].committed {
			d.txns[s.txn].committed = true
			queue = append(queue, s.txn)
		}
	}
	return queue
}

// shared returns how long the common start of the two is.
func shared(a, b []value) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// writer returns the committed transaction that certainly wrote the version;
// -1 if there is none, or several may have.
func (d *db) writer(key int32, v value) int32 {
	s, ok := d.sources.get(key, v)
	if !ok || s.failed || s.txn < 0 || !d.txns[s.txn].committed {
		return -1
	}
	return s.txn
}
