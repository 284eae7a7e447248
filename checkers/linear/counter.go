package linear

import (
	"container/heap"
	"context"
	"fmt"
	"sort"
)

// judgeCounter chooses: equal increments are decided by [counting]; additions
// of any positive numbers of which each says what came out, form a chain of
// compare-and-sets, for zones; anything else is searched.
func judgeCounter(ctx context.Context, ops []Op) Result {
	step, equal, chain := 0, true, true
	for i := range ops {
		switch o := &ops[i]; o.Kind {
		case Read:
		case Add, FetchAdd:
			equal = equal && (step == 0 || step == o.Value)
			step = o.Value
			chain = chain && o.Kind == FetchAdd && !o.Unknown && o.Value > 0
			equal = equal && step != 0
		default:
			return strange("counter", i)
		}
	}
	switch {
	case equal:
		return newCounting(ops, step).judge()
	case chain:
		if r, ok := chained(ops); ok {
			return r
		}
	}
	return searchSequences(ctx, ops, number)
}

// chained judges fetch-and-adds of positive numbers: the counter only grows, so
// that each value comes once, and each is a compare-and-set.
func chained(ops []Op) (Result, bool) {
	results := map[int]int32{Initial: none}
	swaps := make([]Op, len(ops))
	for i, o := range ops {
		if o.Kind == FetchAdd {
			if other, twice := results[o.New]; twice {
				return *violation("zones", fmt.Sprintf("the counter, which only grows, became %d more than once", o.New), int32(i), other), true
			}
			results[o.New] = int32(i)
			o.Kind, o.Value = CAS, o.New-o.Value
		}
		swaps[i] = o
	}
	return zones(swaps)
}

// counting decides a counter that grows in equal steps; step 0 means that
// nothing is ever added.
//
// Observations in order of what they saw — the reads of 0, the increment that
// made it 1, the reads of 1, … — have a forced order: levels. No operation of a
// later level may return before one of an earlier is called. A level has the
// value before it and the value after it. Between the levels lie gaps; gap g, in
// front of level g, must take just as many of the other increments as the value
// grows there; the last gap takes any number.
//
// Such an increment fits into gap g unless it was called after something of
// level g or later returned, or returned before something of level g-1 or
// earlier was called: the gaps that it fits, are an interval. If its outcome is
// unknown, it never returned, and need not be used; if it is known, it must be.
// Given an assignment that fits, an order of all exists, since each increment
// has a moment in its gap: the levels' own moments can be chosen as early as
// possible, each right at the latest call so far, and the increment at the later
// of its call and that of the level before it. Assigning unit jobs with release
// times and deadlines to slots is done right by taking, gap by gap, the
// released increments with the earliest deadline.
//
// Cost: O(n log n).
type counting struct {
	ops    []Op
	step   int
	levels []level
	// others are the increments without a result.
	others []int32
}

// A level is the observations that stand at one place.
type level struct {
	before, after    int
	minRet, maxCall  int
	minOp, maxOp     int32
	increments       int
	earliest, latest int // over later levels, over earlier levels
}

func newCounting(ops []Op, step int) *counting {
	if step == 0 {
		step = 1
	}
	return &counting{ops: ops, step: step}
}

func (c *counting) judge() Result {
	for _, do := range []func() *Result{c.gather, c.ascend, c.assign} {
		if bad := do(); bad != nil {
			return *bad
		}
	}
	return legal("counter")
}

// place is twice the value for a read, and one less for the increment to it.
func (c *counting) place(i int32) int {
	if o := &c.ops[i]; o.Kind == FetchAdd {
		return 2*(o.New/c.step) - 1
	}
	return 2 * (c.ops[i].Value / c.step)
}

// gather makes the levels.
func (c *counting) gather() *Result {
	var seen []int32
	for i := range c.ops {
		o := &c.ops[i]
		value := o.Value
		switch {
		case o.Unknown && o.Kind == Read:
			continue
		case o.Kind == Add || o.Unknown:
			c.others = append(c.others, int32(i))
			continue
		case o.Kind == FetchAdd:
			value = o.New
		}
		if value%c.step != 0 || value/c.step < 0 || o.Kind == FetchAdd && value/c.step < 1 {
			return violation("counter", fmt.Sprintf("the counter cannot have been %d, in steps of %d from 0", value, c.step), int32(i))
		}
		seen = append(seen, int32(i))
	}
	for n, at := range order(len(seen), func(n int) int { return c.place(seen[n]) }) {
		i := seen[at]
		if last := len(c.levels) - 1; n == 0 || c.place(i) != c.levels[last].before+c.levels[last].after {
			c.levels = append(c.levels, level{before: c.place(i) / 2, after: (c.place(i) + 1) / 2, minRet: Open, maxCall: never})
		}
		if bad := c.levels[len(c.levels)-1].take(c.ops, i); bad != nil {
			return bad
		}
	}
	return nil
}

func (l *level) take(ops []Op, i int32) *Result {
	o := &ops[i]
	if o.Kind == FetchAdd {
		if l.increments++; l.increments > 1 {
			return violation("counter", fmt.Sprintf("the counter became %d twice", o.New), i, l.minOp)
		}
	}
	if o.Return < l.minRet {
		l.minRet, l.minOp = o.Return, i
	}
	if o.Call > l.maxCall {
		l.maxCall, l.maxOp = o.Call, i
	}
	return nil
}

// ascend checks the levels against each other.
func (c *counting) ascend() *Result {
	latest, last := never, int32(none)
	for g := range c.levels {
		l := &c.levels[g]
		if l.minRet < latest {
			return violation("counter", "the counter was seen to shrink, but it only grows", l.minOp, last)
		}
		if l.maxCall > latest {
			latest, last = l.maxCall, l.maxOp
		}
		l.latest = latest
	}
	earliest := Open
	for g := len(c.levels) - 1; g >= 0; g-- {
		earliest = min(earliest, c.levels[g].minRet)
		c.levels[g].earliest = earliest
	}
	return nil
}

// A job is an increment and the last gap that it fits.
type job struct {
	deadline int
	op       int32
}

type jobs []job

func (j jobs) Len() int           { return len(j) }
func (j jobs) Less(a, b int) bool { return j[a].deadline < j[b].deadline }
func (j jobs) Swap(a, b int)      { j[a], j[b] = j[b], j[a] }
func (j *jobs) Push(x any)        { *j = append(*j, x.(job)) }
func (j *jobs) Pop() any {
	last := (*j)[len(*j)-1]
	*j = (*j)[:len(*j)-1]
	return last
}

// assign gives the increments to gaps.
func (c *counting) assign() *Result {
	n := len(c.levels)
	released := make([][]job, n+1)
	for _, i := range c.others {
		o := &c.ops[i]
		from := sort.Search(n, func(g int) bool { return c.levels[g].earliest >= o.Call })
		to := n + 1
		if !o.Unknown {
			to = sort.Search(n, func(g int) bool { return c.levels[g].latest > o.Return })
		}
		if from > to {
			return violation("counter", "an increment must be both before and after what was seen", i, c.levels[to].maxOp, c.levels[from-1].minOp)
		}
		released[from] = append(released[from], job{deadline: to, op: i})
	}
	var open jobs
	value := 0
	for g := range n {
		l := &c.levels[g]
		for _, j := range released[g] {
			heap.Push(&open, j)
		}
		for need := l.before - value; need > 0; need-- {
			if open.Len() == 0 {
				return violation("counter", fmt.Sprintf("%d is more than can have been added by then", l.before*c.step), l.minOp)
			}
			heap.Pop(&open)
		}
		value = l.after
		if open.Len() > 0 && open[0].deadline <= g {
			return violation("counter", fmt.Sprintf("%d misses an increment that was acknowledged before", l.before*c.step), l.maxOp, open[0].op)
		}
	}
	return nil
}
