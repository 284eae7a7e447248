package txn

import (
	"encoding/json"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// This file decides levels by trying everything. It shares nothing with the
// checkers: it reads the values with encoding/json and knows no graphs.

// tiny is a transaction of a history that is small enough for that.
type tiny struct {
	process      int
	begin, end   int // events; end is huge if it never completed
	ok, optional bool
	mops         []tinyMop
}

type tinyMop struct {
	write bool
	key   string
	list  []int // what was read, for lists
	val   int   // what was read or written; 0 is nil
	known bool
}

func tinies(h *history.History, lists bool) []tiny {
	var all []tiny
	for _, o := range h.Operations() {
		if o.Type() == history.Fail {
			continue
		}
		t := tiny{process: o.Invoke.Process, begin: o.Invoke.Index, end: 1 << 30, ok: o.Type() == history.OK, optional: o.Type() == history.Info}
		if t.ok {
			t.end = o.Complete.Index
		}
		var mops [][3]any
		if err := json.Unmarshal(o.Value(), &mops); err != nil {
			panic(err)
		}
		for _, m := range mops {
			tm := tinyMop{write: m[0] != "r", key: m[1].(string), known: t.ok || m[2] != nil}
			switch v := m[2].(type) {
			case float64:
				tm.val = int(v)
			case []any:
				for _, e := range v {
					tm.list = append(tm.list, int(e.(float64)))
				}
			}
			t.mops = append(t.mops, tm)
		}
		all = append(all, t)
	}
	return all
}

// store is the state of a database.
type store struct {
	lists map[string][]int
	vals  map[string]int
}

func newStore() store { return store{map[string][]int{}, map[string]int{}} }

// run carries out the transaction on a view of the store; false if a read does
// not show what it showed.
func (s store) run(t *tiny, lists bool) bool {
	for _, m := range t.mops {
		switch {
		case m.write && lists:
			s.lists[m.key] = append(slices.Clone(s.lists[m.key]), m.val)
		case m.write:
			s.vals[m.key] = m.val
		case m.known && lists && !slices.Equal(s.lists[m.key], m.list):
			return false
		case m.known && !lists && s.vals[m.key] != m.val:
			return false
		}
	}
	return true
}

func (s store) clone() store {
	c := newStore()
	for k, v := range s.lists {
		c.lists[k] = v
	}
	for k, v := range s.vals {
		c.vals[k] = v
	}
	return c
}

// before reports whether a must come before b, in the order that is asked for.
type before func(a, b *tiny) bool

func noOrder(_, _ *tiny) bool { return false }

func sessionOrder(a, b *tiny) bool { return a.process == b.process && a.end < b.begin }

func realOrder(a, b *tiny) bool { return a.end < b.begin }

// serializableBrute tries all orders of the transactions; those of unknown
// outcome may be left out.
func serializableBrute(all []tiny, lists bool, must before) bool {
	used := make([]bool, len(all))
	var next func(s store) bool
	next = func(s store) bool {
		rest := false
		for i := range all {
			rest = rest || !used[i] && all[i].ok
		}
		if !rest {
			return true
		}
		for i := range all {
			if used[i] || !free(all, used, i, must) {
				continue
			}
			after := s.clone()
			if !after.run(&all[i], lists) {
				continue
			}
			used[i] = true
			if next(after) {
				return true
			}
			used[i] = false
		}
		return false
	}
	return next(newStore())
}

// free reports whether nothing that must come before i is still to come. What
// may be left out stands in nobody's way.
func free(all []tiny, used []bool, i int, must before) bool {
	for j := range all {
		if j != i && !used[j] && must(&all[j], &all[i]) {
			return false
		}
	}
	return true
}

// snapshotBrute tries all orders of starts and commits.
func snapshotBrute(all []tiny, lists bool, must before) bool {
	started, done := make([]bool, len(all)), make([]bool, len(all))
	views := make([]store, len(all))
	touched := make([]map[string]bool, len(all))
	var next func(s store) bool
	next = func(s store) bool {
		rest := false
		for i := range all {
			rest = rest || !done[i] && (all[i].ok || started[i])
		}
		if !rest {
			return true
		}
		for i := range all {
			switch {
			case done[i]:
			case !started[i]:
				if !free(all, done, i, must) {
					continue
				}
				view := s.clone()
				if !view.run(&all[i], lists) {
					continue
				}
				oldView, oldTouched := views[i], touched[i]
				started[i], views[i], touched[i] = true, view, map[string]bool{}
				if next(s) {
					return true
				}
				started[i], views[i], touched[i] = false, oldView, oldTouched
			default:
				if commitBrute(all, i, s, views, touched, started, done, next) {
					return true
				}
			}
		}
		return false
	}
	return next(newStore())
}

// commitBrute commits i, if nobody wrote the same keys since it started.
func commitBrute(all []tiny, i int, s store, views []store, touched []map[string]bool, started, done []bool, next func(store) bool) bool {
	after := s.clone()
	for _, m := range all[i].mops {
		if m.write {
			if touched[i][m.key] {
				return false
			}
			after.lists[m.key], after.vals[m.key] = views[i].lists[m.key], views[i].vals[m.key]
		}
	}
	saved := make([]map[string]bool, len(all))
	for j := range all {
		if started[j] && !done[j] && j != i {
			saved[j] = touched[j]
			more := map[string]bool{}
			for k := range touched[j] {
				more[k] = true
			}
			for _, m := range all[i].mops {
				if m.write {
					more[m.key] = true
				}
			}
			touched[j] = more
		}
	}
	done[i] = true
	if next(after) {
		return true
	}
	done[i] = false
	for j := range saved {
		if saved[j] != nil {
			touched[j] = saved[j]
		}
	}
	return false
}

// weakBrute decides the weak levels of registers as Biswas and Enea define
// them: is there an order of commits, with the sessions and the reads, in which
// nobody reads from t1 what t2 wrote later and the level says was to be seen?
func weakBrute(all []tiny, level string) bool {
	n := len(all)
	// from[i][p] is who wrote what was read at p: -1 the start, -2 oneself.
	from := make([][]int, n)
	for i := range all {
		from[i] = make([]int, len(all[i].mops))
		for p, m := range all[i].mops {
			if !m.write && m.known {
				w, ok := writerBrute(all, i, p, level)
				if !ok {
					return false
				}
				from[i][p] = w
			} else {
				from[i][p] = -3
			}
		}
	}
	happened := happensBefore(all, from)
	order := make([]int, 0, n)
	used := make([]bool, n)
	var next func() bool
	next = func() bool {
		if len(order) == n {
			return fitsBrute(all, from, order, happened, level)
		}
		for i := range all {
			if used[i] {
				continue
			}
			blocked := false
			for j := range all {
				blocked = blocked || !used[j] && j != i && happened[j][i]
			}
			if blocked {
				continue
			}
			used[i], order = true, append(order, i)
			if next() {
				return true
			}
			used[i], order = false, order[:len(order)-1]
		}
		return false
	}
	for i := range all {
		if happened[i][i] {
			return false
		}
	}
	return next()
}

// writerBrute returns who wrote what was read; false if the read is wrong in
// itself.
func writerBrute(all []tiny, i, p int, level string) (int, bool) {
	m := all[i].mops[p]
	for q := p - 1; q >= 0; q-- {
		e := all[i].mops[q]
		if e.key == m.key && e.write {
			return -2, e.val == m.val
		}
		if e.key == m.key && e.known && level != sessionCommitted && e.val != m.val {
			return 0, false
		}
	}
	if m.val == 0 {
		return -1, true
	}
	for j := range all {
		last := -1
		for q, e := range all[j].mops {
			if e.key == m.key && e.write {
				last = q
			}
		}
		if last >= 0 && all[j].mops[last].val == m.val {
			return j, j != i
		}
	}
	return 0, false
}

func happensBefore(all []tiny, from [][]int) [][]bool {
	n := len(all)
	h := make([][]bool, n)
	for i := range h {
		h[i] = make([]bool, n)
	}
	for i := range all {
		for _, w := range from[i] {
			if w >= 0 {
				h[w][i] = true
			}
		}
		for j := range all {
			if i != j && sessionOrder(&all[i], &all[j]) {
				h[i][j] = true
			}
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				h[i][j] = h[i][j] || h[i][k] && h[k][j]
			}
		}
	}
	return h
}

func fitsBrute(all []tiny, from [][]int, order []int, happened [][]bool, level string) bool {
	place := make([]int, len(all))
	for p, i := range order {
		place[i] = p
	}
	writes := func(i int, key string) bool {
		return slices.ContainsFunc(all[i].mops, func(m tinyMop) bool { return m.write && m.key == key })
	}
	for t3 := range all {
		for p, t1 := range from[t3] {
			if t1 == -2 || t1 == -3 {
				continue
			}
			for t2 := range all {
				if t2 == t1 || t2 == t3 || !writes(t2, all[t3].mops[p].key) {
					continue
				}
				sees := false
				switch level {
				case sessionCommitted:
					sees = slices.Contains(from[t3][:p], t2)
				case sessionAtomic:
					sees = slices.Contains(from[t3], t2) || sessionOrder(&all[t2], &all[t3])
				case sessionCausal:
					sees = happened[t2][t3]
				}
				if sees && (t1 == -1 || place[t2] > place[t1]) {
					return false
				}
			}
		}
	}
	return true
}
