package linear

import (
	"fmt"
	"math"
	"slices"
)

const (
	// none stands where there is no operation or no cluster.
	none = -1
	// never is before all time.
	never = math.MinInt
)

// A cluster is all that has to do with one value of a register: what sets it
// and what reads it. Where every value is set once, a value comes once and
// goes once, so that a cluster stands together in every linearization.
type cluster struct {
	value int
	// setter is the write or compare-and-set; none for the initial value.
	setter          int32
	call, ret       int // of the setter
	minRet, maxCall int // of the reads
	minOp, maxOp    int32
	// before is the cluster that the setter, a compare-and-set, replaces; none
	// for a write, and impossible if nobody sets the value that it needs.
	before int32
	// after is the cluster that replaces this one by compare-and-set.
	after            int32
	happened, walked bool
}

const impossible = -2

func (c *cluster) seen() bool { return c.minOp != none }

// A zone is the time of a block: clusters that replace one another by
// compare-and-set. first is the earliest return of its operations, last the
// latest call.
type zone struct {
	first, last     int
	firstOp, lastOp int32
	root            int32
}

// zoning decides a register whose values are set once, after Gibbons and
// Korach (Testing Shared Memories, 1997), whom it extends by compare-and-set
// and by operations with an unknown outcome.
//
// Unknown operations. An unknown setter of a value that no certain operation
// needs, can be struck out of any linearization: whoever needs its value is
// itself an unknown compare-and-set that is struck out likewise; what remains
// between finds what it found before, since the value was never looked at. And
// put at the end, after all others, it can be added to any linearization. So
// it is dropped. An unknown setter of a value that some certain operation needs
// — directly, or through unknown compare-and-sets that are needed in turn —
// took effect in every linearization, at any time after its call: it counts as
// certain with a return at the end of time.
//
// Blocks. What remains is certain. If a compare-and-set replaces a by b, then
// nothing comes between the reads of a and it: the clusters of a and b stand
// side by side. Chains of such clusters, the blocks, stand together; inside a
// block the order is forced: set v1, reads of v1, set v2 from v1, reads of v2,
// and so on, where only the reads of one value may change places. Hence inside
// a block it is necessary, and for the block alone enough, that no operation
// returns before one of an earlier position is called.
//
// Between blocks. A comes before B as a whole, or after. It must be before if
// an operation of A returned before one of B was called, that is if first(A) <
// last(B). This is the only demand that time makes on two blocks. If no two
// blocks demand both orders, then these demands have no cycle at all: in a
// shortest cycle of more than two let A have the smallest first, P come before
// A and Q before P; then first(A) <= first(Q) < last(P), so that A must be
// before P as well as P before A, which is a cycle of two. So a
// topological order of the blocks, each in its own order, is a linearization:
// an operation that returned before another was called comes first in it.
//
// Cycles of two: first(A) < last(B) and first(B) < last(A). A block with first <
// last (forward) surely stands from first to last. Two forward blocks clash if
// these open intervals overlap; then two neighbours by first do. A block with
// last <= first (backward) clashes with a forward one if [last, first] lies
// strictly inside it. Two backward ones never clash: first(A) < last(B) <=
// first(B) < last(A) <= first(A) is absurd.
//
// Cost: O(n log n) for the sorting of blocks, all else O(n).
type zoning struct {
	ops      []Op
	clusters []cluster
	numbers  *numbering
	bad      *Result
}

// zones judges ops; ok is false if some value may be set twice or is the
// initial one, or if a compare-and-set did not say what it saw.
func zones(ops []Op) (r Result, ok bool) {
	z := &zoning{ops: ops, clusters: make([]cluster, 0, len(ops)/2+1), numbers: newNumbering(len(ops))}
	if !z.gather() {
		return Result{}, false
	}
	for _, step := range []func(){z.observe, z.settle, z.link, z.compare} {
		if step(); z.bad != nil {
			return *z.bad, true
		}
	}
	return legal("zones"), true
}

// blame records a violation, and returns false to be passed on.
func (z *zoning) blame(format string, args []any, ops ...int32) bool {
	z.bad = violation("zones", fmt.Sprintf(format, args...), ops...)
	return false
}

// violation makes a result of operations some of which may be none.
func violation(engine, reason string, ops ...int32) *Result {
	r := Result{Verdict: Violated, Engine: engine, Reason: reason}
	for _, o := range ops {
		if o != none {
			r.Witness = append(r.Witness, int(o))
		}
	}
	slices.Sort(r.Witness)
	r.Witness = slices.Compact(r.Witness)
	return &r
}

// gather makes the clusters; false if a value may be set twice.
func (z *zoning) gather() bool {
	fresh := func(value int, setter int32, call, ret int) bool {
		if _, first := z.numbers.of(value); !first {
			return false
		}
		z.clusters = append(z.clusters, cluster{
			value: value, setter: setter, call: call, ret: ret, minRet: Open, maxCall: never,
			minOp: none, maxOp: none, before: none, after: none,
		})
		return true
	}
	fresh(Initial, none, never, never)
	for i := range z.ops {
		o := &z.ops[i]
		value := o.Value
		switch o.Kind {
		case Read:
			continue
		case CAS:
			value = o.New
		case Write:
		default:
			return false
		}
		if !fresh(value, int32(i), o.Call, o.end()) {
			return false
		}
	}
	return true
}

// observe adds the reads, and what compare-and-sets replace.
func (z *zoning) observe() {
	for i := range z.ops {
		o := &z.ops[i]
		if o.Kind == Write || o.Kind == Read && o.Unknown {
			continue
		}
		at, known := z.numbers.find(o.Value)
		switch {
		case o.Kind == CAS:
			b, _ := z.numbers.find(o.New)
			if z.clusters[b].before = at; !known {
				z.clusters[b].before = impossible
			}
		case !known:
			z.blame("nobody ever wrote %d, which was read", []any{o.Value}, int32(i))
			return
		default:
			z.clusters[at].read(o, int32(i))
		}
	}
}

func (c *cluster) read(o *Op, i int32) {
	if o.Return < c.minRet || c.minOp == none {
		c.minRet, c.minOp = o.Return, i
	}
	if o.Call > c.maxCall || c.maxOp == none {
		c.maxCall, c.maxOp = o.Call, i
	}
}

// settle finds out which setters happened.
func (z *zoning) settle() {
	z.clusters[0].happened = true
	for i := range z.clusters {
		if c := &z.clusters[i]; i == 0 || !z.ops[c.setter].Unknown || c.seen() {
			if !z.happen(int32(i)) {
				return
			}
		}
	}
}

// happen marks cluster i, and those that it stems from.
func (z *zoning) happen(i int32) bool {
	why := z.clusters[i].minOp
	for i != none && !z.clusters[i].happened {
		c := &z.clusters[i]
		if c.before == impossible {
			o := &z.ops[c.setter]
			return z.blame("nobody ever wrote %d, which was replaced by %d", []any{o.Value, o.New}, c.setter, why)
		}
		c.happened = true
		if !z.ops[c.setter].Unknown {
			why = c.setter
		}
		i = c.before
	}
	return true
}

// link ties each cluster to the one that replaces it.
func (z *zoning) link() {
	for i := range z.clusters {
		c := &z.clusters[i]
		if !c.happened || c.before < 0 {
			continue
		}
		from := &z.clusters[c.before]
		if from.after != none {
			rival := &z.clusters[from.after]
			z.blame("%d was replaced twice, by %d and by %d, but was there only once",
				[]any{from.value, rival.value, c.value}, rival.setter, c.setter, rival.proof(z), c.proof(z))
			return
		}
		from.after = int32(i)
	}
}

// proof is an operation that shows that an unknown setter happened.
func (c *cluster) proof(z *zoning) int32 {
	if c.setter == none || !z.ops[c.setter].Unknown {
		return none
	}
	if !c.seen() && c.after != none {
		return z.clusters[c.after].setter
	}
	return c.minOp
}

// compare walks all blocks and compares them with each other.
func (z *zoning) compare() {
	var forward, backward []zone
	for i := range z.clusters {
		if !z.clusters[i].happened || z.clusters[i].before >= 0 {
			continue
		}
		b, ok := z.walk(int32(i))
		switch {
		case !ok:
			return
		case b.first < b.last:
			forward = append(forward, b)
		default:
			backward = append(backward, b)
		}
	}
	for i := range z.clusters {
		if c := &z.clusters[i]; c.happened && !c.walked {
			z.circle(int32(i))
			return
		}
	}
	z.clash(forward, backward)
}

// walk follows a block in its forced order and returns its zone.
func (z *zoning) walk(root int32) (zone, bool) {
	b := zone{first: Open, last: never, firstOp: none, lastOp: none, root: root}
	for i := root; i != none; i = z.clusters[i].after {
		c := &z.clusters[i]
		c.walked = true
		// b.last is the latest call of all earlier positions.
		if c.ret < b.last {
			return b, z.blame("%d was set before something that must have come earlier was called", []any{c.value}, b.lastOp, c.setter)
		}
		b.extend(c.ret, c.setter, c.call, c.setter)
		if !c.seen() {
			continue
		}
		if c.minRet < b.last {
			return b, z.blame("%d was read before something that must have come earlier was called", []any{c.value}, b.lastOp, c.minOp)
		}
		b.extend(c.minRet, c.minOp, c.maxCall, c.maxOp)
	}
	return b, true
}

func (b *zone) extend(ret int, retOp int32, call int, callOp int32) {
	if ret < b.first || b.firstOp == none && b.first == Open {
		b.first, b.firstOp = ret, retOp
	}
	if call > b.last {
		b.last, b.lastOp = call, callOp
	}
}

// circle blames compare-and-sets that need one another.
func (z *zoning) circle(start int32) {
	var members []int32
	for i := start; ; {
		members = append(members, z.clusters[i].setter)
		if i = z.clusters[i].before; i == start {
			break
		}
	}
	z.blame("%d can only come from itself: its compare-and-sets go round in a circle", []any{z.clusters[start].value}, members...)
}

// clash looks for two blocks of which each must be before the other.
func (z *zoning) clash(forward, backward []zone) {
	sorted := order(len(forward), func(i int) int { return forward[i].first })
	at := func(i int) *zone { return &forward[sorted[i]] }
	for i := 1; i < len(forward); i++ {
		if at(i).first < at(i-1).last {
			z.blameBoth(at(i-1), at(i))
			return
		}
	}
	for i := range backward {
		b := &backward[i]
		after, _ := slices.BinarySearchFunc(sorted, b.last, func(j int32, last int) int {
			if forward[j].first < last {
				return -1
			}
			return 1
		})
		if after > 0 && b.first < at(after-1).last {
			z.blameBoth(at(after-1), b)
			return
		}
	}
}

func (z *zoning) blameBoth(a, b *zone) {
	z.blame("values %d and %d must each precede the other",
		[]any{z.clusters[a.root].value, z.clusters[b.root].value}, a.firstOp, a.lastOp, b.firstOp, b.lastOp)
}
