package fold

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/shakedown-dev/shakedown/history"
)

func randomQueue(rng *rand.Rand) *tape {
	t := &tape{}
	t.interleave(rng, 2+rng.IntN(9), 3, func(process, i int) {
		t.begin(process, [3]string{fEnqueue, "dequeue", "drain"}[min(2, rng.IntN(5)/2)], "", strconv.Itoa(i))
	}, func(process, _ int) history.Type {
		op := t.open[process]
		as, got := history.OK, ""
		switch op.F {
		case fEnqueue:
			as = anyEnd(rng)
		case "dequeue":
			got = strconv.Itoa(rng.IntN(6))
			if rng.IntN(4) == 0 {
				as, got = history.Info, ""
			}
		case "drain":
			got = randomArray(rng, 6)
			if rng.IntN(10) == 0 {
				as, got = history.Info, ""
			}
		}
		t.end(process, as, got)
		return as
	})
	return t
}

// firstOut is the first delivery of a message.
type firstOut struct {
	op history.Operation
	at int
}

func defineFIFO(ops []history.Operation) map[string]bool {
	found := make(map[string]bool)
	out := make(map[int]firstOut)
	for _, o := range ops {
		if o.Invoke.F == fEnqueue || o.Type() != history.OK {
			continue
		}
		for at, v := range numbers(o) {
			may, _ := putting(ops, fEnqueue, v)
			if _, again := out[v]; !again {
				out[v] = firstOut{o, at}
			} else if len(may) > 0 && strangely(ops, fEnqueue, v, o) == "" {
				found["duplicated"] = true
			}
		}
	}
	for a, x := range out {
		for b, y := range out {
			ea, _ := putting(ops, fEnqueue, a)
			eb, _ := putting(ops, fEnqueue, b)
			if len(ea) == 0 || len(eb) == 0 || ret(ea[0]) > call(eb[0]) {
				continue
			}
			if ret(y.op) < call(x.op) || call(y.op) == call(x.op) && y.at < x.at {
				found["reordered"] = true
			}
		}
	}
	if cannotBeTaken(ops) {
		found["lost"] = true
	}
	return found
}

// cannotBeTaken reports whether messages are missing after the last drain, and
// no way of giving them to dequeues of unknown outcome explains all of them.
func cannotBeTaken(ops []history.Operation) bool {
	var empty history.Operation
	for _, o := range ops {
		if ok(o, "drain") {
			empty = o
		}
	}
	if empty.Invoke == nil {
		return false
	}
	var missing, takers []history.Operation
	for v := range 12 {
		acked, _ := putting(ops, fEnqueue, v)
		acked = slices.DeleteFunc(acked, func(o history.Operation) bool { return ret(o) > call(empty) })
		times := 0
		for _, o := range ops {
			if o.Invoke.F != fEnqueue && o.Type() == history.OK {
				times += count(numbers(o), v)
			}
		}
		missing = append(missing, acked[min(len(acked), times):]...)
	}
	for _, o := range ops {
		if o.Invoke.F != fEnqueue && o.Type() == history.Info && call(o) < ret(empty) {
			takers = append(takers, o)
		}
	}
	return !givenOut(missing, takers)
}

// givenOut tries every taker for the first message, then for the rest.
func givenOut(messages, takers []history.Operation) bool {
	if len(messages) == 0 {
		return true
	}
	for i, o := range takers {
		left := takers
		if o.Invoke.F != "drain" {
			left = slices.Delete(slices.Clone(takers), i, i+1)
		}
		if givenOut(messages[1:], left) {
			return true
		}
	}
	return false
}
