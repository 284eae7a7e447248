package linear

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

const (
	// slots is how many certain operations may be open at once.
	slots = 64
	// mostConfigs bounds how many configurations are held, of 40 bytes each
	// and as much again for finding them.
	mostConfigs = 4 << 20
	// patience is how many configurations pass between two looks at the clock.
	patience = 4096
)

// A searcher decides whether a history of a machine is linearizable, by going
// along its events and keeping all ways in which everything can have gone so
// far ([config]). Only when an operation returns must it have taken effect; so
// nothing is done before that (just-in-time linearization, after Lowe, Testing
// for linearizability, 2017). If no configuration is left, that operation is
// the first that no order explains. Memory is what one moment needs.
//
// What is left out, and why nothing is lost by that:
//
//   - A pure operation that is possible now is taken now: it hinders nobody.
//   - Of several open operations that do the same, the one that returns first
//     is taken first: in a linearization the two can change places.
//   - An unknown operation never returns, so it need not hurry: it is taken
//     only while some operation must return. For machines with blind operations
//     it is taken only if it makes possible what was not.
//   - A blind operation p whose effect nobody sees before the next blind one q
//     takes effect, can be moved to right before q, if it is still open then.
//     So when q is taken, all open blind operations become spare; and p is taken
//     on its own only when it returns, or when it makes possible what was not
//     (an open observation, or a compare-and-set). One that would leave the
//     state as it is, is spare, too: it may have taken effect there. But it may
//     also be taken for the sake of making others spare.
//   - A configuration that is covered by another ([cover]) is dropped.
type searcher struct {
	ctx    context.Context
	engine string
	ops    []Op
	m      machine

	open, pures, blinds uint64
	inSlot              [slots]int32
	// earlier are, by slot, the open operations that do the same and return before.
	earlier [slots]uint64
	slotOf  []int8
	classOf []int32

	// crashes are the classes of unknown operations that may still be of use.
	crashes []crash
	usage   *usage

	cover    cover
	now      *frontier
	next     *frontier
	seen     *frontier
	stack    []config
	looks    []look
	moment   int32
	buffer   []int32
	later    []int32
	explored int
	// lazy says that the machine has blind operations.
	lazy bool
	// most is how many configurations may be held, and enough how many may be
	// looked at.
	most, enough int
	// generous says that unknown operations need not be counted.
	generous bool
	stop     string
	// passed, unless nil, is told after each return how many there were.
	passed func(returned int)
}

// A crash is a class of unknown operations: one of them, how many have been
// called, and until when they can be of use.
type crash struct {
	op, class  int32
	calls, end int
	traits     traits
}

// A look is what is possible in one state at one moment.
type look struct {
	moment int32
	// pure and possible are operations by slot; possible are those not pure,
	// and same the blind ones that lead to this very state.
	pure, possible, same uint64
	// bridge says that an unknown operation that is not blind is possible and
	// leads to another state.
	bridge bool
}

// search judges ops of the machine m. If there are unknown operations and it is
// not over soon, it tries two shorter ways: to find an order while keeping only a
// few of the configurations that differ in which unknown operations they used;
// and to show that there is none even if each of them may be used any number of
// times (if the states are known beforehand; else there would be no end to
// them). Only if neither gives an answer, it looks at all.
func search(ctx context.Context, engine string, ops []Op, make func() machine) Result {
	if !slices.ContainsFunc(ops, func(o Op) bool { return o.Unknown }) {
		return newSearcher(ctx, engine, ops, make()).walk()
	}
	soon := newSearcher(ctx, engine, ops, make())
	soon.enough = 16 * (len(ops) + 16)
	if r := soon.walk(); r.Verdict != Unknown {
		return r
	}
	few := newSearcher(ctx, engine, ops, make())
	few.cover.beam = beam
	if r := few.walk(); r.Verdict == Linearizable {
		return r
	}
	if m := make(); m.size() == 0 {
		if r := newSearcher(ctx, engine, ops, m).generously(); r.Verdict == Violated {
			return r
		}
	}
	return newSearcher(ctx, engine, ops, make()).walk()
}

// beam is how many configurations with different unknown operations are kept
// in the first try.
const beam = 16

func newSearcher(ctx context.Context, engine string, ops []Op, m machine) *searcher {
	s := &searcher{
		ctx: ctx, engine: engine, ops: ops, m: m, slotOf: make([]int8, len(ops)), classOf: make([]int32, len(ops)),
		usage: newUsage(), now: newFrontier(), next: newFrontier(), seen: newFrontier(), most: mostConfigs, enough: math.MaxInt,
	}
	s.cover.usage = s.usage
	for _, state := range m.start() {
		s.now.add(config{state: state}, &s.cover)
	}
	for i := range ops {
		s.lazy = s.lazy || m.traits(i)&blind != 0
	}
	return s
}

// generously lets unknown operations happen any number of times.
func (s *searcher) generously() Result {
	s.generous = true
	return s.walk()
}

// walk goes along the events, calls before returns of the same moment.
func (s *searcher) walk() Result {
	calls := order(len(s.ops), func(i int) int { return s.ops[i].Call })
	at := 0
	for done, o := range byReturn(s.ops) {
		op := &s.ops[o]
		for ; at < len(calls) && s.ops[calls[at]].Call <= op.Return; at++ {
			if !s.call(calls[at]) {
				return s.giveUp(fmt.Sprintf("more than %d operations were open at once", slots), done)
			}
		}
		s.back(o)
		switch {
		case s.stop != "":
			return s.giveUp(s.stop, done)
		case len(s.now.configs) == 0:
			return s.violated(o)
		case s.passed != nil:
			s.passed(done + 1)
		}
	}
	return legal(s.engine)
}

func (s *searcher) giveUp(why string, done int) Result {
	return Result{Engine: s.engine, Reason: fmt.Sprintf("%s after %d of %d operations had been found right", why, done, len(s.ops))}
}

// violated blames the operation that cannot have returned, with those that
// were open with it.
func (s *searcher) violated(o int32) Result {
	witness := []int32{o}
	for m := s.open; m != 0; m &= m - 1 {
		witness = append(witness, s.inSlot[bits.TrailingZeros64(m)])
	}
	return *violation(s.engine, "no order of the operations so far explains one that returned", witness...)
}

// call gives o a slot; false if there is none.
func (s *searcher) call(o int32) bool {
	kind := s.m.traits(int(o))
	if s.ops[o].Unknown {
		if kind&pure == 0 {
			s.crash(o, kind)
		}
		return true
	}
	slot := bits.TrailingZeros64(^s.open)
	if slot == slots {
		return false
	}
	bit := uint64(1) << slot
	s.moment++
	s.inSlot[slot], s.slotOf[o], s.earlier[slot] = o, int8(slot), 0
	s.pures, s.blinds = s.pures&^bit, s.blinds&^bit
	s.classOf[o] = s.m.class(int(o))
	switch {
	case kind&pure != 0:
		s.pures |= bit
	default:
		s.rank(slot, o)
	}
	if kind&blind != 0 {
		s.blinds |= bit
	}
	s.open |= bit
	s.cover.pures, s.cover.blinds = s.pures&s.open, s.blinds&s.open
	return true
}

// rank finds the open operations that do the same as o.
func (s *searcher) rank(slot int, o int32) {
	if s.classOf[o] == none {
		return
	}
	for m := s.open; m != 0; m &= m - 1 {
		other := bits.TrailingZeros64(m)
		p := s.inSlot[other]
		switch {
		case s.classOf[p] != s.classOf[o]:
		case s.ops[p].Return <= s.ops[o].Return:
			s.earlier[slot] |= 1 << other
		default:
			s.earlier[other] |= 1 << slot
		}
	}
}

// crash takes in an unknown operation.
func (s *searcher) crash(o int32, kind traits) {
	end := s.m.dies(int(o))
	if end < s.ops[o].Call {
		return
	}
	class := s.m.class(int(o))
	for i := range s.crashes {
		if c := &s.crashes[i]; c.class == class && class != none {
			c.calls++
			return
		}
	}
	if class == none {
		class = -2 - o
	}
	s.moment++
	s.crashes = append(s.crashes, crash{op: o, class: class, calls: 1, end: end, traits: kind})
}

// back handles the return of o.
func (s *searcher) back(o int32) {
	slot := int(s.slotOf[o])
	bit := uint64(1) << slot
	s.bury(s.ops[o].Return)
	s.next.clear()
	s.seen.clear()
	for i := range s.now.configs {
		if c := s.now.configs[i]; c.state >= 0 {
			s.push(c, bit, s.ops[o].Return)
		}
	}
	for len(s.stack) > 0 && s.stop == "" {
		c := s.stack[len(s.stack)-1]
		s.stack = s.stack[:len(s.stack)-1]
		s.expand(c, bit, s.ops[o].Return)
	}
	s.stack = s.stack[:0]
	s.now, s.next = s.next, s.now
	s.now.pack()
	s.open &^= bit
	for m := s.open; m != 0; m &= m - 1 {
		s.earlier[bits.TrailingZeros64(m)] &^= bit
	}
	s.cover.pures, s.cover.blinds = s.pures&s.open, s.blinds&s.open
	s.tidy()
}

// push takes in a configuration in which the operation at bit must have taken
// effect before it goes on.
func (s *searcher) push(c config, bit uint64, time int) {
	l := s.look(c.state)
	c.done |= l.pure & s.open
	c.spare |= l.same & s.open &^ c.done
	if s.explored++; s.explored%patience == 0 && s.ctx.Err() != nil {
		s.stop = outOfTime
	}
	if (c.done|c.spare)&bit != 0 {
		after := c
		after.done &^= bit
		after.spare &^= bit
		after.state = s.m.retire(c.state, time)
		s.next.add(after, &s.cover)
	}
	if c.done&bit == 0 && s.seen.add(c, &s.cover) {
		s.stack = append(s.stack, c)
	}
	if len(s.next.configs)+len(s.seen.configs) > s.most || s.explored > s.enough {
		s.stop = "its search would need more memory than it may have"
	}
}

// look tells what is possible in a state.
func (s *searcher) look(state int32) *look {
	for int(state) >= len(s.looks) {
		s.looks = append(s.looks, look{moment: -1})
	}
	l := &s.looks[state]
	if l.moment == s.moment {
		return l
	}
	*l = look{moment: s.moment}
	for m := s.open; m != 0; m &= m - 1 {
		slot := bits.TrailingZeros64(m)
		if s.buffer = s.m.step(int(s.inSlot[slot]), state, s.buffer[:0]); len(s.buffer) == 0 {
			continue
		}
		if s.pures>>slot&1 != 0 {
			l.pure |= 1 << slot
			continue
		}
		l.possible |= 1 << slot
		if s.blinds>>slot&1 != 0 && s.buffer[0] == state {
			l.same |= 1 << slot
		}
	}
	for i := range s.crashes {
		if c := &s.crashes[i]; c.traits&blind == 0 {
			s.buffer = s.m.step(int(c.op), state, s.buffer[:0])
			l.bridge = l.bridge || len(s.buffer) > 0
		}
	}
	return l
}

// expand takes one more operation in every way that can matter.
func (s *searcher) expand(c config, bit uint64, time int) {
	undone := s.open &^ c.done
	for m := s.look(c.state).possible & undone; m != 0; m &= m - 1 {
		slot := bits.TrailingZeros64(m)
		p := uint64(1) << slot
		if s.earlier[slot]&undone != 0 && p != bit {
			continue
		}
		s.later = s.m.step(int(s.inSlot[slot]), c.state, s.later[:0])
		for _, state := range s.later {
			if s.blinds&p != 0 && p != bit && !s.enables(&c, state, p) {
				continue
			}
			after := config{done: c.done | p, spare: c.spare &^ p, state: state, used: c.used}
			if s.blinds&p != 0 {
				after.spare = undone & s.blinds &^ p
			}
			s.push(after, bit, time)
		}
	}
	for i := range s.crashes {
		s.revive(c, &s.crashes[i], bit, time)
	}
}

// revive lets an unknown operation take effect.
func (s *searcher) revive(c config, k *crash, bit uint64, time int) {
	s.later = s.m.step(int(k.op), c.state, s.later[:0])
	for _, state := range s.later {
		useful := state != c.state
		if s.lazy {
			useful = s.enables(&c, state, 0) && (useful || k.traits&blind != 0)
		}
		if !useful || s.usage.count(c.used, k.class) >= k.calls {
			continue
		}
		after := config{done: c.done, spare: c.spare, state: state}
		if !s.generous {
			after.used = s.usage.with(c.used, k.class)
		}
		if k.traits&blind != 0 {
			after.spare |= s.open &^ c.done & s.blinds
		}
		s.push(after, bit, time)
	}
}

// enables reports whether something becomes possible by going to state through
// a blind operation (p, or an unknown one), or if state is where c is already,
// whether other blind operations become spare by that.
func (s *searcher) enables(c *config, state int32, p uint64) bool {
	undone := s.open &^ c.done
	if state == c.state {
		return undone&s.blinds&^p&^c.spare != 0
	}
	then := *s.look(state)
	now := s.look(c.state)
	news := (then.pure | then.possible&^s.blinds) &^ (now.pure | now.possible)
	return news&undone != 0 || then.bridge
}

// bury drops the unknown operations that can be of no more use.
func (s *searcher) bury(time int) {
	before := len(s.crashes)
	s.crashes = slices.DeleteFunc(s.crashes, func(c crash) bool { return c.end < time })
	if len(s.crashes) == before {
		return
	}
	s.moment++
	s.renew()
}

// renew keeps of the multisets in use what can still matter.
func (s *searcher) renew() {
	old := s.usage.sets
	s.usage.reset()
	s.next.clear()
	for _, c := range s.now.configs {
		var set []share
		for _, used := range old[c.used] {
			if slices.ContainsFunc(s.crashes, func(k crash) bool { return k.class == used.class }) {
				set = append(set, used)
			}
		}
		c.used = s.usage.number(set)
		s.next.add(c, &s.cover)
	}
	s.now, s.next = s.next, s.now
	s.now.pack()
}

// tidy gives back what has gathered over time.
func (s *searcher) tidy() {
	if most := 8*len(s.now.configs) + 4096; len(s.usage.sets) > most || len(s.usage.plus) > 4*most {
		s.renew()
	}
	if s.m.size() <= 8*len(s.now.configs)+4096 {
		return
	}
	states := make([]int32, len(s.now.configs))
	for i := range s.now.configs {
		states[i] = s.now.configs[i].state
	}
	s.m.keep(states)
	for i := range states {
		s.now.configs[i].state = states[i]
	}
	s.looks = s.looks[:0]
}

// byReturn are the operations that return, in that order.
func byReturn(ops []Op) []int32 {
	certain := make([]int32, 0, len(ops))
	for i := range ops {
		if !ops[i].Unknown {
			certain = append(certain, int32(i))
		}
	}
	sorted := order(len(certain), func(i int) int { return ops[certain[i]].Return })
	for i, at := range sorted {
		sorted[i] = certain[at]
	}
	return sorted
}
