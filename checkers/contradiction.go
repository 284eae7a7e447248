package checkers

import (
	"cmp"
	"slices"
)

// A pattern is a way in which a register can contradict itself.
type pattern uint8

const (
	// tangle is no pattern: a few operations that no order explains.
	tangle pattern = iota
	// garbage is a value that nobody wrote.
	garbage
	// future is a value that was seen before it was written.
	future
	// twice is a value that two compare-and-sets replaced.
	twice
	// stale is a value that was seen after another had replaced it.
	stale
	// both is two values of which each must have come before the other.
	both
)

// A contradiction is a smallest set of operations that no order explains.
type contradiction struct {
	pattern pattern
	// culprit is the access whose result is wrong; of several that can be
	// blamed, the one that returned last.
	culprit *access
	// value is the culprit's, or that of the older tenure; other that of the
	// tenure that contradicts it. Not every pattern has both.
	value, other *tenure
	// missed is the write that a stale access does not know of, and proof the
	// access whose return shows that it had happened: missed itself if it was
	// acknowledged before the culprit was called. older shows that the
	// culprit's value was there before missed was called; nil if it is the
	// initial one, or if missed is a compare-and-set that replaced it.
	missed, proof, older *access
	// age is how many events lie between the coming of a stale access's value
	// and its call; 0 for the initial value.
	age int
	// skipped is how many acknowledged writes a stale access does not know of.
	skipped int
	// lost says that no operation saw the missed write or anything newer.
	lost bool
	// core are the operations that contradict each other, as they were recorded.
	core []access
}

// contradictions finds at most one contradiction of each pattern in accesses
// that are [unique] and reduced. score tells which of two stale accesses makes
// the clearer case; the lower the better. It returns none if there are none of
// these patterns, which does not mean that the accesses are linearizable.
func contradictions(accesses []access, score func(*access) int) []*contradiction {
	all := tenures(accesses)
	var found []*contradiction
	for _, find := range []func([]*tenure) *contradiction{findGarbage, findFuture, findTwice} {
		if c := find(all); c != nil {
			found = append(found, c)
		}
	}
	if c := findStale(all, score); c != nil {
		return append(found, c)
	}
	if c := findBoth(all); c != nil {
		found = append(found, c)
	}
	return found
}

// findGarbage: a value is needed, is not the initial one, and nobody sets it.
func findGarbage(all []*tenure) *contradiction {
	for _, t := range all {
		if !t.appears() {
			return &contradiction{pattern: garbage, culprit: t.observers[0], value: t}
		}
	}
	return nil
}

// findFuture: an access that needs a value returned before its setter was called.
func findFuture(all []*tenure) *contradiction {
	for _, t := range all {
		if t.setter == nil || t.first == nil || t.begin >= t.setter.call {
			continue
		}
		// The setter's own interval may have been closed by the very access.
		for _, o := range t.observers {
			if o.ret == t.begin {
				return &contradiction{pattern: future, culprit: o, value: t}
			}
		}
	}
	return nil
}

// findTwice: two compare-and-sets that took effect need the same value, which
// came only once and went with the first.
func findTwice(all []*tenure) *contradiction {
	for _, t := range all {
		var before *access
		for _, o := range t.observers {
			if o.sets == nothing || !t.appears() {
				continue
			}
			if before != nil {
				return &contradiction{pattern: twice, culprit: o, missed: before, value: t}
			}
			before = o
		}
	}
	return nil
}

// findStale: an access needs a value v and was called after another value w
// had come, while the setter of w was called after v had come. Value v came
// before w then, and went no later; so the access is wrong. This is sound for
// reads and compare-and-sets alike: v comes only once.
//
// A value w that a compare-and-set put directly in the place of v came after v
// in any case; there it is enough that the access was called after w had come.
func findStale(all []*tenure, score func(*access) int) *contradiction {
	latest := newLatest(all)
	var best *contradiction
	for _, v := range all {
		for _, o := range v.observers {
			w := latest.before(o.call)
			if w == nil || w.comes() <= v.begin || w == v {
				w = v.next
			}
			if !v.appears() || w == nil || w == v || o == w.setter || w.begin >= o.call {
				continue
			}
			since := v.begin
			if v.setter == nil {
				since = o.call // the initial value was always there, which tells little
			}
			c := &contradiction{pattern: stale, culprit: o, value: v, other: w, age: o.call - since}
			if best == nil || better(c, best, score) {
				best = c
			}
		}
	}
	if best != nil {
		best.detail(all)
	}
	return best
}

// A latest answers, in O(log n), which of the values that had come before an
// event was the last to be set for sure.
type latest struct {
	byBegin, best []*tenure
}

func newLatest(all []*tenure) latest {
	byBegin := slices.Clone(all)
	slices.SortFunc(byBegin, func(a, b *tenure) int { return cmp.Compare(a.begin, b.begin) })
	best := make([]*tenure, len(byBegin))
	for i, t := range byBegin {
		best[i] = t
		if i > 0 && best[i-1].comes() > t.comes() {
			best[i] = best[i-1]
		}
	}
	return latest{byBegin: byBegin, best: best}
}

// before returns, of the values that had come before the event, the one whose
// setter was called last; nil if there is none.
func (l latest) before(event int) *tenure {
	n, _ := slices.BinarySearchFunc(l.byBegin, event, func(t *tenure, event int) int { return cmp.Compare(t.begin, event) })
	if n == 0 {
		return nil
	}
	return l.best[n-1]
}

// better reports whether a makes a clearer case than b: by its score, then by
// how long its value had been there, since what is long out of date is plainer
// than a race of milliseconds.
func better(a, b *contradiction, score func(*access) int) bool {
	return cmp.Or(cmp.Compare(score(a.culprit), score(b.culprit)), cmp.Compare(b.age, a.age), cmp.Compare(a.culprit.ret, b.culprit.ret)) < 0
}

// detail chooses, of all writes that a stale access does not know of, the one
// to show: the last that was acknowledged before the access was called, else
// the one that was found.
func (c *contradiction) detail(all []*tenure) {
	for _, w := range all {
		s := w.setter
		if s == nil || w == c.value || s.call <= c.value.begin || s.ret >= c.culprit.call || !s.certain() {
			continue
		}
		c.skipped++
		if !acknowledged(c.other.setter, c.culprit.call) || s.ret > c.other.setter.ret {
			c.other = w
		}
	}
	c.missed, c.proof = c.other.setter, c.other.first
	if acknowledged(c.missed, c.culprit.call) {
		c.proof = c.missed
	}
	c.older = c.value.first
	if s := c.value.setter; s != nil && acknowledged(s, c.missed.call) {
		c.older = s
	}
	if c.missed.needs == c.value.value {
		// It replaced that very value, which must have been there.
		c.older = nil
	}
	c.lost = c.missed.certain() && !slices.ContainsFunc(all, c.knows)
}

// knows reports whether somebody saw a value that did not come before the
// missed write, after that was acknowledged.
func (c *contradiction) knows(t *tenure) bool {
	return t == c.other && len(t.observers) > 0 || t.begin >= c.missed.call &&
		slices.ContainsFunc(t.observers, func(o *access) bool { return o.call > c.missed.ret })
}

// acknowledged reports whether a is known to have happened before the event.
func acknowledged(a *access, event int) bool {
	return a.certain() && a.ret < event
}

// findBoth: two tenures clash.
func findBoth(all []*tenure) *contradiction {
	a, b := clash(all)
	if a == nil {
		return nil
	}
	culprit := a.last
	if b.last.ret > culprit.ret {
		culprit = b.last
	}
	return &contradiction{pattern: both, culprit: culprit, value: a, other: b}
}

// members are the accesses that the pattern consists of.
func (c *contradiction) members() []*access {
	members := []*access{c.culprit, c.missed, c.proof, c.older}
	if c.pattern == both {
		members = append(members, c.value.first, c.value.last, c.other.first, c.other.last)
	}
	return slices.DeleteFunc(members, func(a *access) bool { return a == nil })
}

// complete makes the core of the pattern's members and of what they rest on:
// the setter of each value that is needed, and the witness of each access with
// an unknown result. Such a set is closed, and a linearization of a history,
// with all else struck out, is one of the closed set: so if the core cannot
// be put in order, neither can the history. The core holds the accesses as
// they were recorded, in order of invocation.
func (c *contradiction) complete(all, reduced []access) {
	setters := make(map[int]*access, len(reduced))
	byID := make(map[int]*access, len(reduced))
	for i := range reduced {
		a := &reduced[i]
		byID[a.id()] = a
		if a.sets != nothing {
			setters[a.sets] = a
		}
	}
	var core []access
	wanted := make(map[int]bool)
	for todo := c.members(); len(todo) > 0; todo = todo[1:] {
		a := todo[0]
		if wanted[a.id()] {
			continue
		}
		wanted[a.id()] = true
		core = append(core, *a)
		if s, ok := setters[a.needs]; ok {
			todo = append(todo, s)
		}
		if w, ok := byID[a.witness]; ok {
			todo = append(todo, w)
		}
	}
	c.core = recorded(all, core)
}
