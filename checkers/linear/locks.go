package linear

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// A hold is one holder's time with a lock: from an acquire to the release that
// follows it, if there is one.
type hold struct{ acquire, release int32 }

// judgeLock judges a lock that only its holder releases. Where every holder
// acquires and releases in turn, the lock is a register whose values are the
// holds, written once each: acquiring writes, releasing reads, and two
// operations of one hold stand side by side. That is for [zones]. A hold that
// is never released is read at the end of time.
//
// An unknown release may have happened at any time after its call or never;
// never would be of no advantage to anybody, so it counts as a read that never
// returned. (It cannot give back a later hold of the same holder: who would
// have given back this one?) An unknown acquire without a release need not have
// happened and is dropped; with a certain one, it happened. If a holder does not
// acquire and release in turn, or goes on in another way after an unknown
// acquire, the search decides.
func judgeLock(ctx context.Context, ops []Op) Result {
	holds, bad, ok := pair(ops)
	switch {
	case !ok && bad != nil:
		return *bad
	case !ok:
		r := searchRegister(ctx, swaps(ops, Lock))
		r.Engine = "lock-search"
		return r
	case bad != nil:
		return *bad
	}
	end := 0
	for i := range ops {
		end = max(end, ops[i].Call+1)
		if !ops[i].Unknown {
			end = max(end, ops[i].Return+1)
		}
	}
	var register []Op
	var at []int
	for n, h := range holds {
		if ops[h.acquire].Unknown && h.release == none {
			continue
		}
		a := ops[h.acquire]
		register = append(register, Op{Kind: Write, Value: n + 1, Call: a.Call, Return: a.end()})
		at = append(at, int(h.acquire))
		r, from := Op{Kind: Read, Value: n + 1, Call: end, Return: Open}, h.acquire
		if h.release != none {
			r.Call, r.Return, from = ops[h.release].Call, ops[h.release].end(), h.release
		}
		register, at = append(register, r), append(at, int(from))
	}
	r, _ := zones(register)
	r = translate(r, at)
	r.Engine = "locks"
	if r.Verdict == Violated {
		r = *violation(r.Engine, "the lock was held by two at once, or released before it was acquired", merge(r.Witness, nil)...)
	}
	return r
}

// pair finds the holds; bad is a violation that this shows, and ok is false if
// some holder does not acquire and release in turn.
func pair(ops []Op) (holds []hold, bad *Result, ok bool) {
	current := map[int]int{} // holder to the hold that is open
	last := map[int]int{}    // holder to the end of its last operation
	unsure := map[int]bool{} // holders whose last operation was an unknown release
	for _, i := range order(len(ops), func(i int) int { return ops[i].Call }) {
		o := &ops[i]
		if o.Kind != Acquire && o.Kind != Release {
			r := strange("locks", int(i))
			return nil, &r, false
		}
		if end, before := last[o.Value]; before && o.Call <= end {
			return nil, nil, false
		}
		last[o.Value] = o.Return
		if o.Unknown {
			last[o.Value] = o.Call
		}
		n, held := current[o.Value]
		switch {
		case held == (o.Kind == Acquire), held && o.Unknown && ops[holds[n].acquire].Unknown:
			if held || o.Kind == Acquire || o.Unknown || unsure[o.Value] {
				return nil, nil, false
			}
			if bad == nil {
				bad = violation("locks", fmt.Sprintf("%d released what it did not hold", o.Value), i)
			}
		case o.Kind == Acquire:
			current[o.Value], unsure[o.Value] = len(holds), false
			holds = append(holds, hold{acquire: i, release: none})
		default:
			holds[n].release, unsure[o.Value] = i, o.Unknown
			delete(current, o.Value)
		}
	}
	return holds, bad, true
}

// swaps are the operations as compare-and-sets of a register that holds who
// has the lock, 0 if nobody; all holders of a mutex are alike.
func swaps(ops []Op, object Object) []Op {
	holders := newNumbering(len(ops))
	some := make([]Op, len(ops))
	for i, o := range ops {
		n, _ := holders.of(o.Value)
		if object == Mutex {
			n = 0
		}
		if o.Kind == Acquire {
			o.Kind, o.Value, o.New = CAS, Initial, int(n)+1
		} else {
			o.Kind, o.Value, o.New = CAS, int(n)+1, Initial
		}
		some[i] = o
	}
	return some
}

// judgeLease decides whether two holders of a lease could be sure of it at once.
// A holder is sure from the return of its acquire until it calls release or,
// counting from before it called acquire, the lease is over (New). An acquire
// with an unknown outcome makes nobody sure. This is what a lease promises to
// its holders; it does not decide whether the server kept exact time.
//
// Cost: O(n log n).
func judgeLease(ops []Op) Result {
	current := map[int]int32{}
	var sure []span
	finish := func(acquire int32, until int) {
		a := &ops[acquire]
		if a.New != 0 {
			until = min(until, a.New)
		}
		if a.Return < until {
			sure = append(sure, span{a.Return, until, acquire})
		}
	}
	for _, i := range order(len(ops), func(i int) int { return ops[i].Call }) {
		o := &ops[i]
		if o.Kind != Acquire && o.Kind != Release {
			return strange("leases", int(i))
		}
		acquire, held := current[o.Value]
		if held {
			// An acquire by the holder renews: it is sure until then, and from
			// its return again.
			until := o.Call
			if o.Kind == Acquire {
				until = o.end()
			}
			finish(acquire, until)
			delete(current, o.Value)
		}
		if o.Kind == Acquire && !o.Unknown {
			current[o.Value] = i
		}
	}
	for _, acquire := range slices.Sorted(maps.Values(current)) {
		finish(acquire, Open)
	}
	sorted := order(len(sure), func(i int) int { return sure[i].from })
	longest := none
	for _, i := range sorted {
		if longest != none && sure[i].from < sure[longest].to && ops[sure[i].item].Value != ops[sure[longest].item].Value {
			a, b := sure[longest].item, sure[i].item
			return *violation("leases", fmt.Sprintf("%d and %d were both sure to hold the lease", ops[a].Value, ops[b].Value), a, b)
		}
		if longest == none || sure[i].to > sure[longest].to {
			longest = int(i)
		}
	}
	return legal("leases")
}
