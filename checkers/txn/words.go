package txn

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shakedown-dev/shakedown/history"
)

const (
	// shownElements is how many elements of a list a sentence shows.
	shownElements = 8
	// shownMops is how many micro-operations of a transaction it shows.
	shownMops = 12
)

// key returns the key's name.
func (d *db) key(key int32) string {
	return d.show(d.keyNames[key])
}

// list returns the elements, or the last of them if there are many.
func (d *db) list(values []value) string {
	var b strings.Builder
	b.WriteByte('[')
	if n := len(values) - shownElements; n > 0 {
		fmt.Fprintf(&b, "… %d more … ", n)
		values = values[n:]
	}
	for i, v := range values {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(d.show(v))
	}
	b.WriteByte(']')
	return b.String()
}

// result returns what a read showed.
func (d *db) result(m *mop) string {
	if !m.known {
		return "?"
	}
	if d.lists {
		return d.list(d.read(m))
	}
	return d.show(m.val)
}

// does tells what the transaction did, micro-operation by micro-operation.
func (d *db) does(t int32) string {
	var parts []string
	for i := range d.of(t) {
		m := &d.of(t)[i]
		if i == shownMops {
			parts = append(parts, fmt.Sprintf("and %d more", len(d.of(t))-i))
			break
		}
		switch {
		case m.kind == read:
			parts = append(parts, "read "+d.key(m.key)+" = "+d.result(m))
		case d.lists:
			parts = append(parts, "append "+d.show(m.val)+" to "+d.key(m.key))
		default:
			parts = append(parts, "write "+d.key(m.key)+" = "+d.show(m.val))
		}
	}
	return strings.Join(parts, ", ")
}

// is introduces a transaction: whose it is, where to find it, what it did.
func (d *db) is(t int32) string {
	tx := &d.txns[t]
	where := "invoked at event " + strconv.Itoa(int(tx.invoked)) + " and never answered"
	if tx.op.Complete != nil {
		where = fmt.Sprintf("events %d to %d", tx.op.Invoke.Index, tx.op.Complete.Index)
		switch tx.outcome {
		case history.Fail:
			where += ", failed"
		case history.Info:
			where += ", outcome unknown"
		}
	}
	return fmt.Sprintf("process %d's transaction (%s): %s", tx.process, where, d.does(t))
}

// at is a short name for a transaction that is mentioned once.
func (d *db) at(t int32) string {
	tx := &d.txns[t]
	if tx.op.Complete != nil {
		return fmt.Sprintf("the transaction that ended at event %d", tx.op.Complete.Index)
	}
	return fmt.Sprintf("the transaction invoked at event %d", tx.op.Invoke.Index)
}

// events returns the indexes of the transactions' events.
func (d *db) events(txns []int32) []int {
	var events []int
	for _, t := range txns {
		tx := &d.txns[t]
		events = append(events, tx.op.Invoke.Index)
		if tx.op.Complete != nil {
			events = append(events, tx.op.Complete.Index)
		}
	}
	return events
}

func (d *db) ambiguity() string {
	first := d.ambiguous[0]
	return fmt.Sprintf("%s was written to key %s more than once (and so were %d others), so that nobody can tell whose write was read",
		d.show(first.val), d.key(first.key), len(d.ambiguous)-1)
}

// single makes a finding of one sentence.
func (n *inference) single(txns []int32, format string, args ...any) finding {
	says := []string{fmt.Sprintf(format, args...)}
	for _, t := range txns {
		says = append(says, "It is about "+n.db.is(t)+".")
	}
	return finding{says: says, txns: txns}
}

func (n *inference) garbage(key int32, v value, reader int32) {
	if n.found.wants("garbage-read") {
		n.found.add("garbage-read", n.single([]int32{reader}, "Key %s was read with %s in it, which nobody ever wrote there.", n.db.key(key), n.db.show(v)))
	}
}

func (n *inference) aborted(key int32, v value, writer, reader int32) {
	if n.found.wants("G1a") {
		n.found.add("G1a", n.single([]int32{writer, reader}, "Key %s was read with %s in it, which only a transaction wrote that failed: an aborted read.", n.db.key(key), n.db.show(v)))
	}
}

func (l *lister) dirtyUpdate(key int32, v value, failed, writer int32) {
	if l.found.wants("dirty-update") {
		l.found.add("dirty-update", l.single([]int32{failed, writer}, "%s was appended to key %s after what a failed transaction had appended, and was committed on top of it.", l.db.show(v), l.db.key(key)))
	}
}

// duplicates finds an element that is twice in one read, though appended once.
func (l *lister) duplicates(key int32, seen []value, reader int32) {
	met := make(map[value]bool, len(seen))
	for _, v := range seen {
		if s, ok := l.db.sources.get(key, v); ok && s.txn < 0 {
			continue // it was appended twice
		}
		if met[v] && l.found.wants("duplicate-elements") {
			l.found.add("duplicate-elements", l.single([]int32{reader}, "Key %s was read as %s, with %s in it more than once.", l.db.key(key), l.db.list(seen), l.db.show(v)))
			return
		}
		met[v] = true
	}
}

func (l *lister) incompatible(key int32, k *list, r place, same int) finding {
	seen := l.db.read(&l.db.mops[r.mop])
	return l.single([]int32{k.witness, r.txn}, "Key %s was read as %s and as %s: they differ from element %d on, so neither can have grown out of the other.",
		l.db.key(key), l.db.list(k.order), l.db.list(seen), same+1)
}

func (l *lister) intermediate(key int32, k *list, r place) {
	if !l.found.wants("G1b") {
		return
	}
	seen := l.db.read(&l.db.mops[r.mop])
	w := k.writers[len(seen)-1]
	l.found.add("G1b", l.single([]int32{w, r.txn}, "Key %s was read as %s, a state in the middle of the transaction that appended %s and then more: an intermediate read.",
		l.db.key(key), l.db.list(seen), l.db.show(seen[len(seen)-1])))
}

func (l *lister) lostUpdate(key int32, a, b int32) finding {
	return l.single([]int32{a, b}, "Two transactions read the same state of key %s and both appended to it: one of the updates does not know of the other.", l.db.key(key))
}

func (l *lister) lostAppend(key, u int32, latest place) finding {
	return l.single([]int32{u, latest.txn}, "An append to key %s was acknowledged, but no read ever showed it, although one began later and found %s.",
		l.db.key(key), l.db.list(l.db.read(&l.db.mops[latest.mop])))
}

func (l *lister) notItself(t int32, i int, s state) finding {
	m := &l.db.of(t)[i]
	want := "all that ends with " + l.db.list(s.elements)
	if s.base {
		want = l.db.list(s.elements)
	}
	return l.single([]int32{t}, "A transaction read key %s as %s where its own earlier steps leave only %s.", l.db.key(m.key), l.db.result(m), want)
}

func (l *lister) fromFuture(t int32, i, j int) finding {
	mops := l.db.of(t)
	return l.single([]int32{t}, "A transaction read key %s as %s, with %s in it, which it appended only afterwards.",
		l.db.key(mops[i].key), l.db.result(&mops[i]), l.db.show(mops[j].val))
}
