package txn

import (
	"maps"
	"slices"
)

// A literal is one side of a choice: 2n for the first side of choice n, and
// 2n+1 for the second.
type literal = int32

// theory tells which choices do not go together.
type theory interface {
	// take takes a side of a choice. If it cannot be taken together with what
	// was taken before, it returns the sides that contradict it, and takes
	// nothing.
	take(l literal) (against []literal, ok bool)
	// giveBack takes back all but the first so many sides that were taken.
	giveBack(left int)
}

// A solver looks for sides of all choices that go together, by conflict-driven
// clause learning (Marques-Silva and Sakallah, 1996; Moskewicz et al., 2001).
// All clauses are learned: those that the theory gives, and what follows.
//
// It is our own because a solver that can be had as a library (gophersat,
// gini) knows nothing of cycles, and would have to be asked again for each.
type solver struct {
	theory theory
	// side is 0 for a choice not made yet, 1 for its first side, -1 for the
	// second; depth is the decision after which it was made, and why the clause
	// that forced it, or none.
	side   []int8
	depth  []int32
	why    []int32
	prefer []bool // the first side is tried first
	trail  []literal
	// levels holds where each decision begins in the trail.
	levels []int32
	// heard is how much of the trail clauses know, taken how much the theory does.
	heard, taken int
	clauses      []clause
	watches      [][]int32 // by literal that became false
	order        choiceHeap
	// blame is how much each choice was in conflicts, of late above all; bump
	// is what one conflict adds to it.
	blame  []float64
	bump   float64
	marked []bool
	// inTurn says that choices are made in the order that they were given: where
	// conflicts are between neighbours, that leaves alone what was settled
	// before. If it does not come to an end, those go first that were to blame.
	inTurn bool
	// conflicts counts how often it went wrong, restarts how often it began
	// anew.
	conflicts, restarts int
	// refuted is the clause that fails without any decision, once there is one.
	refuted int32
}

// A clause says that one of its literals holds. It follows from others, or from
// the theory alone: from are clauses, and, as ^n, choices n that were forced
// without any decision.
type clause struct {
	literals []literal
	from     []int32
}

func newSolver(t theory) *solver {
	return &solver{theory: t, bump: 1, refuted: none, inTurn: true}
}

// choice adds a choice, and returns its number. Those with a lesser turn are
// made first.
func (s *solver) choice(preferFirst bool, turn int32) int32 {
	n := int32(len(s.side))
	s.side, s.depth, s.why = append(s.side, 0), append(s.depth, 0), append(s.why, none)
	s.prefer, s.marked = append(s.prefer, preferFirst), append(s.marked, false)
	s.watches, s.blame = append(s.watches, nil, nil), append(s.blame, 0)
	if s.inTurn {
		s.order.grow(-float64(turn))
	} else {
		s.order.grow(0)
	}
	return n
}

// holds is 1 if the literal holds, -1 if it does not, 0 if that is open.
func (s *solver) holds(l literal) int8 {
	if l&1 == 1 {
		return -s.side[l>>1]
	}
	return s.side[l>>1]
}

// solve makes all choices; false if there is no way to. goOn is asked before
// each decision and after each conflict; if it says no, solve returns true with
// choices left open.
func (s *solver) solve(goOn func() bool) bool {
	restart := restartAfter
	for goOn() {
		conflict := s.propagate()
		if conflict != none {
			s.conflicts++
			if len(s.levels) == 0 {
				s.refuted = conflict
				return false
			}
			s.learn(conflict)
			if s.inTurn && s.conflicts > inTurnFor+10*len(s.side) {
				s.inTurn = false
				s.order.reorder(s.blame)
			}
			if restart--; restart < 0 && !s.inTurn {
				s.restarts++
				restart = restartAfter * luby(s.restarts)
				s.back(0)
			}
			continue
		}
		next := s.order.pop(func(v int32) bool { return s.side[v] == 0 })
		if next == none {
			return true
		}
		s.levels = append(s.levels, int32(len(s.trail)))
		l := 2 * next
		if !s.prefer[next] {
			l++
		}
		s.assign(l, none)
	}
	return true
}

const (
	// restartAfter is after how many conflicts it begins anew, at first.
	restartAfter = 64
	// inTurnFor is for how many conflicts choices are made in turn, and ten
	// more for each choice.
	inTurnFor = 1000
)

// luby returns the n-th number of 1 1 2 1 1 2 4 ….
func luby(n int) int {
	for {
		size := 1
		for size < n+1 {
			size = 2*size + 1
		}
		if size == n+1 {
			return (size + 1) / 2
		}
		n -= size / 2
	}
}

func (s *solver) assign(l literal, why int32) {
	s.side[l>>1] = 1 - 2*int8(l&1)
	s.depth[l>>1], s.why[l>>1] = int32(len(s.levels)), why
	s.trail = append(s.trail, l)
}

// propagate makes the choices that follow from those made; it returns a clause
// that does not hold, or none.
func (s *solver) propagate() int32 {
	for s.heard < len(s.trail) || s.taken < len(s.trail) {
		if s.heard < len(s.trail) {
			l := s.trail[s.heard]
			s.heard++
			if conflict := s.inform(l ^ 1); conflict != none {
				return conflict
			}
			continue
		}
		l := s.trail[s.taken]
		against, ok := s.theory.take(l)
		if !ok {
			return s.lemma(l, against)
		}
		s.taken++
	}
	return none
}

// lemma keeps that a literal and those against it cannot all hold.
func (s *solver) lemma(l literal, against []literal) int32 {
	literals := []literal{l ^ 1}
	for _, a := range against {
		if a != l {
			literals = append(literals, a^1)
		}
	}
	return s.clause(literals, nil)
}

// probe makes a choice, before any decision, of which one side contradicts what
// is certain. To find that out later would undo all decisions each time. false
// if both do.
func (s *solver) probe(v int32) bool {
	conflict := s.propagate()
	for side := int32(0); side < 2 && conflict == none && s.side[v] == 0; side++ {
		l := 2*v + side
		against, ok := s.theory.take(l)
		if ok {
			s.theory.giveBack(s.taken)
			continue
		}
		s.assign(l^1, s.lemma(l, against))
		conflict = s.propagate()
	}
	if conflict != none {
		s.refuted = conflict
	}
	return conflict == none
}

// inform tells the clauses that watch the literal that it does not hold.
func (s *solver) inform(l literal) (conflict int32) {
	watching := s.watches[l]
	kept := watching[:0]
	for i, c := range watching {
		lits := s.clauses[c].literals
		if lits[0] == l {
			lits[0], lits[1] = lits[1], l
		}
		if s.holds(lits[0]) == 1 {
			kept = append(kept, c)
			continue
		}
		at := slices.IndexFunc(lits[2:], func(other literal) bool { return s.holds(other) >= 0 })
		if at >= 0 {
			lits[1], lits[at+2] = lits[at+2], l
			s.watches[lits[1]] = append(s.watches[lits[1]], c)
			continue
		}
		kept = append(kept, c)
		if s.holds(lits[0]) < 0 {
			s.watches[l] = append(kept, watching[i+1:]...)
			return c
		}
		s.assign(lits[0], c)
	}
	s.watches[l] = kept
	return none
}

// clause keeps a clause, which nobody watches yet.
func (s *solver) clause(literals []literal, from []int32) int32 {
	s.clauses = append(s.clauses, clause{literals, from})
	return int32(len(s.clauses) - 1)
}

// learn finds what the choices before the last decision must have been for
// the conflict not to be, goes back to where that is known, and makes it so.
func (s *solver) learn(conflict int32) {
	now := int32(len(s.levels))
	learned := []literal{0}
	from, met := []int32{}, []int32{}
	open, at := 0, len(s.trail)
	for c := conflict; ; {
		from = append(from, c)
		for _, l := range s.clauses[c].literals {
			v := l >> 1
			if s.marked[v] || s.holds(l) == 1 {
				continue
			}
			s.marked[v] = true
			met = append(met, v)
			if s.blame[v] += s.bump; !s.inTurn {
				s.order.raise(v, s.bump)
			}
			if s.depth[v] == now {
				open++
			} else if s.depth[v] > 0 {
				learned = append(learned, l)
			} else {
				from = append(from, ^v)
			}
		}
		for at--; !s.marked[s.trail[at]>>1]; at-- {
		}
		if open--; open == 0 {
			learned[0] = s.trail[at] ^ 1
			break
		}
		c = s.why[s.trail[at]>>1]
	}
	for _, v := range met {
		s.marked[v] = false
	}
	if s.bump *= 1.05; s.bump > 1e100 {
		s.bump *= 1e-100
		for v := range s.blame {
			s.blame[v] *= 1e-100
		}
		if !s.inTurn {
			copy(s.order.weight, s.blame)
		}
	}
	s.settle(learned, from)
}

// settle goes back to the last decision but one that the clause is about, and
// does what it says then.
func (s *solver) settle(learned []literal, from []int32) {
	back := int32(0)
	for i := 1; i < len(learned); i++ {
		if d := s.depth[learned[i]>>1]; d > back {
			back = d
			learned[1], learned[i] = learned[i], learned[1]
		}
	}
	s.back(back)
	c := s.clause(learned, from)
	if len(learned) > 1 {
		s.watches[learned[0]] = append(s.watches[learned[0]], c)
		s.watches[learned[1]] = append(s.watches[learned[1]], c)
	}
	s.assign(learned[0], c)
}

// back takes back all decisions but the first so many.
func (s *solver) back(decisions int32) {
	if int(decisions) >= len(s.levels) {
		return
	}
	left := s.levels[decisions]
	for _, l := range s.trail[left:] {
		v := l >> 1
		s.prefer[v] = l&1 == 0
		s.side[v], s.why[v] = 0, none
		s.order.push(v)
	}
	s.trail, s.levels = s.trail[:left], s.levels[:decisions]
	s.heard = min(s.heard, int(left))
	if s.taken > int(left) {
		s.taken = int(left)
		s.theory.giveBack(s.taken)
	}
}

// blamed returns the choices that the refutation rests on: those in the clauses
// of the theory from which it follows.
func (s *solver) blamed() []int32 {
	told, forced := make([]bool, len(s.clauses)), make([]bool, len(s.side))
	choices := make(map[int32]bool)
	queue := []int32{s.refuted}
	because := func(c int32) {
		queue = append(queue, c)
		for _, l := range s.clauses[c].literals {
			queue = append(queue, ^(l >> 1))
		}
	}
	because(s.refuted)
	for len(queue) > 0 {
		c := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		switch {
		case c < 0 && !forced[^c]:
			forced[^c] = true
			because(s.why[^c])
		case c >= 0 && !told[c]:
			told[c] = true
			queue = append(queue, s.clauses[c].from...)
			for _, l := range s.clauses[c].literals {
				choices[l>>1] = choices[l>>1] || len(s.clauses[c].from) == 0
			}
		}
	}
	maps.DeleteFunc(choices, func(_ int32, blamed bool) bool { return !blamed })
	return slices.Sorted(maps.Keys(choices))
}

// A choiceHeap holds choices, those first that have the greatest weight.
type choiceHeap struct {
	heap   []int32
	at     []int32 // where a choice is in heap; none if it is not
	weight []float64
}

// grow adds the next choice.
func (h *choiceHeap) grow(weight float64) {
	h.at, h.weight = append(h.at, none), append(h.weight, weight)
	h.push(int32(len(h.at) - 1))
}

// reorder gives all choices other weights.
func (h *choiceHeap) reorder(weight []float64) {
	copy(h.weight, weight)
	for i := len(h.heap)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *choiceHeap) push(v int32) {
	if h.at[v] == none {
		h.at[v] = int32(len(h.heap))
		h.heap = append(h.heap, v)
		h.up(int(h.at[v]))
	}
}

// pop takes the first choice that is wanted, and drops those before; none if
// there is none.
func (h *choiceHeap) pop(wanted func(int32) bool) int32 {
	for len(h.heap) > 0 {
		v, last := h.heap[0], h.heap[len(h.heap)-1]
		h.heap[0], h.at[last] = last, 0
		h.heap, h.at[v] = h.heap[:len(h.heap)-1], none
		if len(h.heap) > 0 {
			h.down(0)
		}
		if wanted(v) {
			return v
		}
	}
	return none
}

func (h *choiceHeap) raise(v int32, by float64) {
	h.weight[v] += by
	if h.at[v] != none {
		h.up(int(h.at[v]))
	}
}

func (h *choiceHeap) swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.at[h.heap[i]], h.at[h.heap[j]] = int32(i), int32(j)
}

func (h *choiceHeap) up(i int) {
	for ; i > 0 && h.weight[h.heap[i]] > h.weight[h.heap[(i-1)/2]]; i = (i - 1) / 2 {
		h.swap(i, (i-1)/2)
	}
}

func (h *choiceHeap) down(i int) {
	for {
		child := 2*i + 1
		if child+1 < len(h.heap) && h.weight[h.heap[child+1]] > h.weight[h.heap[child]] {
			child++
		}
		if child >= len(h.heap) || h.weight[h.heap[child]] <= h.weight[h.heap[i]] {
			return
		}
		h.swap(i, child)
		i = child
	}
}
