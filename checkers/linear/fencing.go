package linear

import (
	"fmt"
	"slices"
)

// judgeFencing decides fencing tokens: the tokens granted grow, each is granted
// once, and the resource accepts commands in the order of their tokens, each
// only after its token was granted.
//
// The order of all grants is that of their tokens, and so is that of all accepts
// with different tokens; an accept comes after the grant. Let the earliest
// moment of an operation be the latest call among those that must come before it
// and itself. If no operation returned before its earliest moment, then all can
// take place at theirs, in that order; if one did, none can.
//
// A grant with an unknown outcome gave out a token that nobody saw, or one that
// was used: if tokens were accepted that no certain grant gave out, unknown
// grants must have, each one. The earliest calls are the best for that, the
// smaller token taking the earlier, as only the latest call of grants so far
// counts. An accept with an unknown outcome need not have happened.
//
// Cost: O(n log n).
func judgeFencing(ops []Op) Result {
	f := &fence{ops: ops, grants: map[int]int32{}, accepts: map[int][]int32{}}
	for i := range ops {
		if bad := f.take(int32(i)); bad != nil {
			return *bad
		}
	}
	slices.Sort(f.tokens)
	f.tokens = slices.Compact(f.tokens)
	slices.SortFunc(f.maybe, func(a, b int32) int { return ops[a].Call - ops[b].Call })
	granted, accepted := moment{never, none}, moment{never, none}
	for _, token := range f.tokens {
		grant, ok := f.grant(token)
		if !ok {
			return *violation("fencing", fmt.Sprintf("the resource accepted the token %d, which nobody was granted", token), f.accepts[token][0])
		}
		if bad := granted.reach(ops, grant); bad != nil {
			return *bad
		}
		before := accepted.after(granted)
		for _, a := range f.accepts[token] {
			at := before
			if bad := at.reach(ops, a); bad != nil {
				return *bad
			}
			accepted = accepted.after(at)
		}
	}
	return legal("fencing")
}

// A fence is what is known of the tokens.
type fence struct {
	ops     []Op
	tokens  []int
	grants  map[int]int32
	accepts map[int][]int32
	// maybe are grants with an unknown outcome.
	maybe []int32
}

func (f *fence) take(i int32) *Result {
	o := &f.ops[i]
	switch {
	case o.Kind == Grant && o.Unknown:
		f.maybe = append(f.maybe, i)
	case o.Kind == Grant:
		if other, twice := f.grants[o.Value]; twice {
			return violation("fencing", fmt.Sprintf("the token %d was granted twice", o.Value), other, i)
		}
		f.grants[o.Value] = i
		f.tokens = append(f.tokens, o.Value)
	case o.Kind == Accept && !o.Unknown:
		f.accepts[o.Value] = append(f.accepts[o.Value], i)
		f.tokens = append(f.tokens, o.Value)
	case o.Kind != Accept:
		r := strange("fencing", int(i))
		return &r
	}
	return nil
}

// grant returns the grant of a token; tokens are asked for in order.
func (f *fence) grant(token int) (int32, bool) {
	if g, ok := f.grants[token]; ok {
		return g, true
	}
	if len(f.maybe) == 0 {
		return none, false
	}
	g := f.maybe[0]
	f.maybe = f.maybe[1:]
	return g, true
}

// A moment is the latest call so far, and whose it is.
type moment struct {
	time int
	op   int32
}

func (m moment) after(other moment) moment {
	if other.time > m.time {
		return other
	}
	return m
}

// reach moves on to operation i, which must come after m.
func (m *moment) reach(ops []Op, i int32) *Result {
	o := &ops[i]
	if o.end() < m.time {
		return violation("fencing", fmt.Sprintf("the token %d came before something that a smaller one must have come before", o.Value), m.op, i)
	}
	*m = m.after(moment{o.Call, i})
	return nil
}
