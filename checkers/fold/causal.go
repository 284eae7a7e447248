package fold

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// causalClocks is how many vertices the clocks of a causal check may take: 2 GB
// at most, since those that nothing keeps any more count too.
const causalClocks = 10_000_000

// Causal decides whether registers are causally consistent.
//
// It reads: write of a key, the value being unique within the key; read (or
// read-init) of a key, ok with the value, or null for a key that was never
// written. What a read-init returns, if nobody wrote it, is another name for
// null.
//
// Operations are causally ordered by the order within each process and from a
// write to the reads of its value. Property: no read returns a value though a
// write that came causally after that of the value comes causally before the
// read ("overwritten"), or null though any write of the key does
// ("overwritten" too); nor what nobody ("unexpected"), or only a write that
// failed ("aborted"), had begun to write. Together these are the bad patterns
// of Bouajjani et al., On Verifying Causal Consistency, 2017, for weak causal
// consistency: for differentiated histories there is no other.
//
// Every process carries a clock with a place for each process; a read takes in
// the clock of the write that it reads from, and looks among the writes of its
// key that it knows of for one that knows of its own, through those that began
// since or the last of each process, whichever are fewer. Cost: O(n × processes)
// at worst; clocks share what they agree on, so that retired processes cost
// next to nothing. Unknown: a value was written twice to a key; the clocks take
// more than 2 GB; no read ended ok. Counterexample:
// "process 3 read 1 (#20), but knew of the write of 2 (#12) since #18, and
// process 4 knew of 1 (#9) when it wrote 2."
func Causal() checkers.Checker {
	return checker{
		name: "causal", whole: true, judge: judgeCausal,
		lacking: "No read ended ok, so nothing is known.",
		sum: func(r *report) string {
			return fmt.Sprintf("No read (of %d) returned a value that its process had to know to be replaced.", r.counts["reads"])
		},
	}
}

// causality is the state of a causal check.
type causality struct {
	r       *report
	keys    map[string]*causalKey
	members map[int]int32 // process → member
	clocks  *clocks
	known   []*clock  // by member
	at      []int32   // by member, how many writes it has made
	heard   [][]heard // by member, in order
}

// A heard is a read with what the writer knew.
type heard struct {
	op    history.Operation
	known *clock
}

// A causalKey is what was written to a key.
type causalKey struct {
	name   string
	values inventory
	writes []causalWrite   // by value
	order  []causalWrite   // as they began
	by     [][]causalWrite // by writer, in its order
	member map[int32]int   // member → place in by
	// absent is what read-init returned, as a value's id; -1 if it was null.
	absent int32
}

// A causalWrite is a write with what its process knew.
type causalWrite struct {
	op     history.Operation
	member int32
	at     int32
	place  int // in the order in which writes of the key began
	known  *clock
}

func judgeCausal(r *report, ops []history.Operation) {
	c := &causality{r: r, keys: make(map[string]*causalKey), members: make(map[int]int32)}
	moments := c.declare(ops)
	if moments == nil {
		return
	}
	for i, o := range moments {
		if r.spend(8) {
			r.cutShort(i, len(moments))
			return
		}
		if c.clocks.made > causalClocks {
			r.doubt("The clocks of %d processes take too much memory after %d of %s.", len(c.members), i, say.Number(len(moments), "operation"))
			return
		}
		c.step(o)
	}
}

// declare takes in all writes and returns the operations in an order that
// agrees with causality: writes as they began, reads as they ended. A read
// cannot end before the write that it reads from began.
func (c *causality) declare(ops []history.Operation) []history.Operation {
	var moments []history.Operation
	for _, o := range ops {
		isWrite := o.Invoke.F == fWrite
		if isWrite {
			k := c.key(o.Invoke.Key)
			id := k.values.put(o)
			if k.values.items[id].attempts > 1 {
				c.r.doubt("%s was written to key %s twice (#%d and #%d); one cannot say then which was read.", show(o.Invoke.Value), k.name,
					call(k.values.items[id].first), call(o))
				return nil
			}
		}
		if isWrite && o.Type() != history.Fail || isCausalRead(o) {
			moments = append(moments, o)
			if _, known := c.members[o.Invoke.Process]; !known {
				c.members[o.Invoke.Process] = int32(len(c.members))
			}
		}
	}
	n := len(c.members)
	c.clocks, c.known, c.at, c.heard = newClocks(n), make([]*clock, n), make([]int32, n), make([][]heard, n)
	slices.SortFunc(moments, func(a, b history.Operation) int { return cmp.Compare(moved(a), moved(b)) })
	return moments
}

func isCausalRead(o history.Operation) bool {
	return ok(o, fRead) || ok(o, "read-init")
}

// moved is the event at which an operation is looked at.
func moved(o history.Operation) int {
	if o.Invoke.F == fWrite {
		return call(o)
	}
	return ret(o)
}

func (c *causality) key(name string) *causalKey {
	k, known := c.keys[name]
	if !known {
		k = &causalKey{name: name, absent: -1, member: make(map[int32]int)}
		c.keys[name] = k
	}
	return k
}

func (c *causality) step(o history.Operation) {
	m := c.members[o.Invoke.Process]
	k := c.key(o.Invoke.Key)
	if o.Invoke.F == fWrite {
		c.at[m]++
		c.known[m] = c.clocks.with(c.known[m], m, c.at[m])
		k.write(k.values.ids.of(o.Invoke.Value), causalWrite{op: o, member: m, at: c.at[m], known: c.known[m]})
		return
	}
	c.r.key = k.name
	c.r.judged = true
	c.r.count("reads", 1)
	c.read(k, m, o)
	c.r.key = ""
}

func (k *causalKey) write(id int32, w causalWrite) {
	for len(k.writes) <= int(id) {
		k.writes = append(k.writes, causalWrite{})
	}
	w.place = len(k.order)
	k.order = append(k.order, w)
	k.writes[id] = w
	at, known := k.member[w.member]
	if !known {
		at = len(k.by)
		k.member[w.member] = at
		k.by = append(k.by, nil)
	}
	k.by[at] = append(k.by[at], w)
}

// read judges a read.
func (c *causality) read(k *causalKey, m int32, o history.Operation) {
	id := k.read(o)
	var own causalWrite
	if id >= 0 {
		if k.values.strange(c.r, id, o, "value") {
			return
		}
		own = k.writes[id]
		c.known[m] = c.clocks.join(c.known[m], own.known)
		c.heard[m] = append(c.heard[m], heard{o, own.known})
	}
	if newer, found := c.newer(k, m, own); found {
		c.overwritten(m, o, own, newer)
	}
}

// newer returns a write that a member knows of and that knows of another one,
// or of any if that is null. Only writes that began later can, and of those of
// one writer the last that the member knows of is enough: it looks through
// whatever are fewer.
func (c *causality) newer(k *causalKey, m int32, own causalWrite) (causalWrite, bool) {
	later := k.order
	if own.op.Invoke != nil {
		later = k.order[own.place+1:]
	}
	if len(later) <= len(k.by) {
		for i := len(later) - 1; i >= 0; i-- {
			if w := later[i]; c.clocks.of(c.known[m], w.member) >= w.at && c.replaces(w, own) {
				return w, true
			}
			c.r.spend(1)
		}
		return causalWrite{}, false
	}
	for _, writes := range k.by {
		known := c.clocks.of(c.known[m], writes[0].member)
		n, _ := slices.BinarySearchFunc(writes, known+1, func(w causalWrite, at int32) int { return cmp.Compare(w.at, at) })
		if n > 0 && c.replaces(writes[n-1], own) {
			return writes[n-1], true
		}
		c.r.spend(1)
	}
	return causalWrite{}, false
}

// replaces reports whether a write knows of another one of the same key, or
// that one is null.
func (c *causality) replaces(w, own causalWrite) bool {
	if own.op.Invoke == nil {
		return true
	}
	return (w.member != own.member || w.at != own.at) && c.clocks.of(w.known, own.member) >= own.at
}

// read returns the id of the value that was read, or -1 for null.
func (k *causalKey) read(o history.Operation) int32 {
	if isNull(o.Complete.Value) {
		return -1
	}
	id := k.values.ids.of(o.Complete.Value)
	k.values.grow()
	nobody := k.values.items[id].attempts == 0 && k.values.items[id].failed.Invoke == nil
	if nobody && o.Invoke.F == "read-init" && k.absent < 0 {
		k.absent = id
	}
	if id == k.absent {
		return -1
	}
	return id
}

// overwritten notes a read of what its process had to know to be replaced.
func (c *causality) overwritten(m int32, o history.Operation, own, newer causalWrite) {
	var since history.Operation
	how := "its own"
	if newer.member != m {
		since = c.since(m, newer)
		how = fmt.Sprintf("of which it knew since #%d", ret(since))
	}
	if !c.r.found("overwritten", o, newer.op, own.op, since) {
		return
	}
	if own.op.Invoke == nil {
		c.r.tell("overwritten", "%s read %s (#%d), as if nothing had been written, but there is the write of %s (#%d), %s.",
			who(o), show(o.Complete.Value), ret(o), show(newer.op.Invoke.Value), call(newer.op), how)
		return
	}
	c.r.tell("overwritten", "%s read %s (#%d), but there is the write of %s (#%d), %s, and process %d knew of %s (#%d) when it wrote that.",
		who(o), show(o.Complete.Value), ret(o), show(newer.op.Invoke.Value), call(newer.op), how,
		newer.op.Invoke.Process, show(own.op.Invoke.Value), call(own.op))
}

// since returns the first read by which a member came to know of a write.
func (c *causality) since(m int32, w causalWrite) history.Operation {
	at := slices.IndexFunc(c.heard[m], func(h heard) bool { return c.clocks.of(h.known, w.member) >= w.at })
	return c.heard[m][at].op
}
