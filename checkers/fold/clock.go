package fold

// A clock says how many writes of each member are known. It is a tree
// that is never changed: a later clock shares with an earlier one all that
// stayed the same, so that every write can keep the clock of its moment though
// there are thousands of members, most of them long retired. nil knows nothing.
type clock struct {
	counts [fan]int32  // of a leaf
	below  [fan]*clock // of an inner vertex
}

// fan is how many counts a leaf has, and how many trees an inner vertex:
// few enough that a change, which copies a path, copies little.
const fan = 16

// clocks makes clocks of the same depth, and counts what they take.
type clocks struct {
	// span is how many members a tree at the top has room for.
	span int32
	made int
}

func newClocks(members int) *clocks {
	c := &clocks{span: fan}
	for int(c.span) < members {
		c.span *= fan
	}
	return c
}

// under returns how many members each tree below one with room for span has
// room for: 0 if that one is a leaf.
func under(span int32) int32 {
	if span <= fan {
		return 0
	}
	return span / fan
}

// copy returns a copy of one vertex, or a new one.
func (c *clocks) copy(t *clock) *clock {
	c.made++
	if t == nil {
		return &clock{}
	}
	another := *t
	return &another
}

// of returns how many writes of a member a clock knows.
func (c *clocks) of(t *clock, member int32) int32 {
	for span := under(c.span); t != nil; span = under(span) {
		if span == 0 {
			return t.counts[member]
		}
		t, member = t.below[member/span], member%span
	}
	return 0
}

// with returns a clock that knows n writes of a member.
func (c *clocks) with(t *clock, member, n int32) *clock { return c.set(t, under(c.span), member, n) }

func (c *clocks) set(t *clock, span, member, n int32) *clock {
	t = c.copy(t)
	if span == 0 {
		t.counts[member] = n
	} else {
		t.below[member/span] = c.set(t.below[member/span], under(span), member%span, n)
	}
	return t
}

// join returns a clock that knows what either does. If that is what b knows it
// is b, so that those who know the same come to share it.
func (c *clocks) join(a, b *clock) *clock { return c.merge(a, b, under(c.span)) }

func (c *clocks) merge(a, b *clock, span int32) *clock {
	switch {
	case a == b || b == nil:
		return a
	case a == nil:
		return b
	case span == 0:
		return c.larger(a, b)
	}
	isA, isB := true, true
	var both [fan]*clock
	for i := range both {
		both[i] = c.merge(a.below[i], b.below[i], under(span))
		isA, isB = isA && both[i] == a.below[i], isB && both[i] == b.below[i]
	}
	switch {
	case isB:
		return b
	case isA:
		return a
	}
	t := c.copy(nil)
	t.below = both
	return t
}

// larger joins two leaves.
func (c *clocks) larger(a, b *clock) *clock {
	isA, isB := true, true
	for i := range a.counts {
		isA, isB = isA && a.counts[i] >= b.counts[i], isB && b.counts[i] >= a.counts[i]
	}
	switch {
	case isB:
		return b
	case isA:
		return a
	}
	t := c.copy(a)
	for i, n := range b.counts {
		t.counts[i] = max(t.counts[i], n)
	}
	return t
}
