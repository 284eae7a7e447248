package linear

import (
	"context"
	"fmt"
)

// judgeSnapshots judges a grow-only set or a log with whole reads. Elements
// must be added once; else the search takes over.
func judgeSnapshots(ctx context.Context, ops []Op, ordered bool) Result {
	s := &snapshots{ops: ops, numbers: newNumbering(len(ops)), ordered: ordered, last: none, proof: none, latest: never}
	unique := true
	for i := range ops {
		switch o := &ops[i]; o.Kind {
		case Add:
			_, fresh := s.numbers.of(o.Value)
			unique = unique && fresh
			s.adds = append(s.adds, int32(i))
		case Snapshot:
			if !o.Unknown {
				s.reads = append(s.reads, int32(i))
			}
		default:
			return strange("snapshots", i)
		}
	}
	if !unique {
		return searchSequences(ctx, ops, wholes(ordered))
	}
	s.judge()
	if s.bad != nil {
		return *s.bad
	}
	return legal("snapshots")
}

// snapshots decides a grow-only set, or a log, whose elements are added once.
//
// What was read only grows: if one snapshot saw more than another, it came
// later. So the snapshots must form a chain (by inclusion for sets, by prefix
// for logs), and everything has its position in a forced order: the adds of
// what the first snapshot saw (of a log each on its own, in order), all
// snapshots that saw just that, the adds of what the next one saw in addition,
// and so on; at last the adds that no snapshot saw. Of these, one with an unknown
// outcome is dropped, as it need not have happened; an unknown add that was seen
// happened, at any time after its call. Within one position everything may
// change places. Hence it is necessary and enough that no operation returned
// before one of an earlier position was called.
//
// Cost: O(n log n) and once through all that was read.
type snapshots struct {
	ops     []Op
	numbers *numbering
	ordered bool
	// adds are by element number; reads are those whose result is known.
	adds, reads []int32
	// known tells by element that it was seen, mark by whom last.
	known []bool
	mark  []int32
	// latest is the latest call of all positions so far, of operation last;
	// proof is a snapshot that shows that it comes before what follows.
	latest      int
	last, proof int32
	bad         *Result
}

func (s *snapshots) blame(reason string, ops ...int32) {
	if s.bad == nil {
		s.bad = violation("snapshots", reason, ops...)
	}
}

func (s *snapshots) judge() {
	s.known, s.mark = make([]bool, len(s.adds)), make([]int32, len(s.adds))
	sorted := order(len(s.reads), func(i int) int { return len(s.ops[s.reads[i]].Whole) })
	for from := 0; from < len(sorted) && s.bad == nil; {
		to := from + 1
		for to < len(sorted) && len(s.whole(sorted[to])) == len(s.whole(sorted[from])) {
			to++
		}
		before := int32(none)
		if from > 0 {
			before = s.reads[sorted[from-1]]
		}
		s.level(sorted[from:to], before)
		from = to
	}
	for n, i := range s.adds {
		if o := &s.ops[i]; s.bad == nil && !s.known[n] && o.end() < s.latest {
			s.blame(fmt.Sprintf("%d was added and acknowledged, but a later read does not have it", o.Value), i, s.last, s.proof)
		}
	}
}

func (s *snapshots) whole(read int32) []int { return s.ops[s.reads[read]].Whole }

// level takes in snapshots of equal size; before is a smaller one, or none.
func (s *snapshots) level(reads []int32, before int32) {
	first := s.reads[reads[0]]
	for n, r := range reads {
		i := s.reads[r]
		if n > 0 {
			before = first
		}
		fresh := s.compare(i, before, n == 0)
		if s.bad == nil && n > 0 && fresh > 0 {
			s.blame("two reads each saw what the other did not", first, i)
		}
		if s.bad != nil {
			return
		}
	}
	s.proof = first
	last, latest := s.last, s.latest
	for _, r := range reads {
		i := s.reads[r]
		if o := &s.ops[i]; o.Return < s.latest {
			s.blame("a read missed or saw too early what must have come before it", i, s.last, first)
		} else if o.Call > latest {
			latest, last = o.Call, i
		}
	}
	s.latest, s.last = latest, last
}

// compare checks snapshot i against all smaller ones, of which before is the
// largest, and counts what is new. If it is the first of its level, the adds
// of what is new get their position.
func (s *snapshots) compare(i, before int32, first bool) (fresh int) {
	latest, last := s.latest, s.last
	for at, value := range s.ops[i].Whole {
		n, added := s.numbers.find(value)
		switch {
		case !added:
			s.blame(fmt.Sprintf("%d was read, but nobody added it", value), i)
			return 0
		case s.mark[n] == i+1:
			s.blame(fmt.Sprintf("%d was read twice at once", value), i)
			return 0
		}
		s.mark[n] = i + 1
		if s.ordered && before != none && at < len(s.ops[before].Whole) && s.ops[before].Whole[at] != value {
			s.blame(fmt.Sprintf("two reads disagree about what is at position %d", at), before, i)
			return 0
		}
		if s.known[n] {
			continue
		}
		if fresh++; !first {
			continue
		}
		s.known[n] = true
		add := s.adds[n]
		o := &s.ops[add]
		if o.end() < s.latest {
			s.blame(fmt.Sprintf("%d was added before something that a read has without it was called", value), add, s.last, s.proof, i)
		}
		if o.Call > latest {
			latest, last = o.Call, add
		}
		if s.ordered {
			s.latest, s.last, s.proof = latest, last, i
		}
	}
	if before != none && len(s.ops[i].Whole)-fresh < len(s.ops[before].Whole) {
		s.blame("two reads each saw what the other did not", before, i)
	}
	if first {
		s.latest, s.last = latest, last
	}
	return fresh
}
