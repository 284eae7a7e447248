package fold

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// LongFork decides whether two reads saw two writes in opposite orders, which
// parallel snapshot isolation allows and snapshot isolation forbids.
//
// It reads transactions as arrays of micro-operations, whatever their f:
// ["w", key, value], of which every key gets at most one, alone in its
// transaction; ["r", key, value] of several keys, null being a key that is not
// there yet. Operations of all history keys are judged together.
//
// Property: of two reads of the same set of keys one has seen all that the
// other has ("fork" if not); nobody reads what nobody was writing
// ("unexpected") or only a write that failed ("aborted").
//
// The reads of a set of keys, in order of how much they saw, must each include
// the one before: if they form a chain, all pairs do, and if not, two
// neighbours do not. Cost: O(m log m) for m reads. Unknown: a key was written
// twice; no two reads of two or more keys ended ok. Counterexample: "process 3
// saw x but not y (#20), process 4 saw y but not x (#22)."
func LongFork() checkers.Checker {
	return checker{
		name: "long-fork", whole: true, judge: judgeLongFork,
		lacking: "No two reads of the same two or more keys ended ok, so no fork could have been seen.",
		sum: func(r *report) string {
			return fmt.Sprintf("All reads (%d, of %s of keys) saw the writes in one order.", r.counts["reads"], say.Number(r.counts["groups"], "group"))
		},
	}
}

// A view is what one read saw of a group of keys, which are in order.
type view struct {
	op   history.Operation
	keys []int32
	seen []uint64 // a bit for each key
	n    int      // how many it saw
}

func judgeLongFork(r *report, ops []history.Operation) {
	f := &forks{}
	for i, o := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		f.write(r, o)
	}
	if r.doubted > 0 {
		return
	}
	groups := make(map[string][]view)
	var order []string
	for i, o := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		v, isRead := f.read(r, o)
		if !isRead {
			continue
		}
		group := fmt.Sprint(v.keys)
		if len(groups[group]) == 0 {
			order = append(order, group)
		}
		groups[group] = append(groups[group], v)
	}
	for _, group := range order {
		f.chain(r, groups[group])
	}
}

// forks is what is known about keys and who wrote them.
type forks struct {
	inventory
	values []json.RawMessage // by key
}

// write takes in the write of a key.
func (f *forks) write(r *report, o history.Operation) {
	for _, m := range micros(o.Invoke.Value) {
		if m.f != "w" {
			continue
		}
		id := f.ids.of(m.key)
		f.grow()
		f.items[id].add(o)
		for len(f.values) < len(f.items) {
			f.values = append(f.values, nil)
		}
		f.values[id] = m.value
		if f.items[id].attempts > 1 {
			r.doubt("key %s was written twice (#%d and #%d); one cannot say then what a read saw.", show(m.key), call(f.items[id].first), call(o))
		}
	}
}

// read returns what a read saw, if it is one of two keys or more.
func (f *forks) read(r *report, o history.Operation) (view, bool) {
	v := view{op: o}
	if o.Type() != history.OK {
		return v, false
	}
	var seen []int32
	for _, m := range micros(o.Complete.Value) {
		if m.f != "r" {
			continue
		}
		id := f.ids.of(m.key)
		f.grow()
		v.keys = append(v.keys, id)
		if !isNull(m.value) {
			seen = append(seen, id)
			f.source(r, o, id, m.value)
		}
	}
	slices.Sort(v.keys)
	v.keys = slices.Compact(v.keys)
	v.seen = make([]uint64, len(v.keys)/64+1)
	for _, id := range seen {
		at, _ := slices.BinarySearch(v.keys, id)
		if bit := uint64(1) << (at % 64); v.seen[at/64]&bit == 0 {
			v.seen[at/64] |= bit
			v.n++
		}
	}
	return v, len(v.keys) > 1
}

// source judges whether a value that was read can have come from somewhere. A
// history without any writes says nothing about that.
func (f *forks) source(r *report, o history.Operation, id int32, value json.RawMessage) {
	if len(f.values) == 0 || f.strange(r, id, o, "the value of key") {
		return
	}
	if canonical(value) != canonical(f.values[id]) && r.found("unexpected", f.items[id].first, o) {
		r.tell("unexpected", "%s read %s from key %s (#%d), to which only %s was written (#%d).",
			who(o), show(value), f.ids.name(id), ret(o), show(f.values[id]), call(f.items[id].first))
	}
}

// chain judges the reads of one group of keys.
func (f *forks) chain(r *report, views []view) {
	if len(views) < 2 {
		return
	}
	r.judged = true
	r.count("groups", 1)
	r.count("reads", len(views))
	slices.SortStableFunc(views, func(a, b view) int { return cmp.Compare(a.n, b.n) })
	for i := 1; i < len(views); i++ {
		if r.spend(1) {
			r.doubt("Time ran out after %d of %s of one group of keys.", i, say.Number(len(views), "read"))
			return
		}
		a, b := views[i-1], views[i]
		x := only(a, b)
		if x < 0 {
			continue
		}
		y := only(b, a)
		if r.found("fork", a.op, b.op, f.items[x].first, f.items[y].first) {
			r.tell("fork", "%s saw key %s but not %s (#%d), and %s saw %s but not %s (#%d): they disagree on which was written first.", who(a.op),
				f.ids.name(x), f.ids.name(y), ret(a.op), who(b.op), f.ids.name(y), f.ids.name(x), ret(b.op))
		}
	}
}

// only returns a key that a saw and b did not, or -1.
func only(a, b view) int32 {
	for i, key := range a.keys {
		bit := uint64(1) << (i % 64)
		if a.seen[i/64]&bit != 0 && b.seen[i/64]&bit == 0 {
			return key
		}
	}
	return -1
}

// A micro is one micro-operation of a transaction.
type micro struct {
	f          string
	key, value json.RawMessage
}

// micros reads a transaction; nil if value is none.
func micros(value json.RawMessage) []micro {
	if !microOperation(value) {
		return nil
	}
	var all []micro
	c := scan(value)
	for c.open('['); c.more(']'); {
		if !c.open('[') {
			return nil
		}
		var m micro
		for i := 0; c.more(']'); i++ {
			switch text := c.value(); i {
			case 0:
				m.f = strings.TrimPrefix(unquote(text), ":")
			case 1:
				m.key = text
			case 2:
				m.value = text
			}
		}
		all = append(all, m)
	}
	return all
}
