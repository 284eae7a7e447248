package fold

import (
	"encoding/json"
	"fmt"

	"github.com/shakedown-dev/shakedown/checkers"
	"github.com/shakedown-dev/shakedown/checkers/say"
	"github.com/shakedown-dev/shakedown/history"
)

// Sequential decides whether one client's writes become visible in the order
// in which it made them.
//
// It reads: write, of a key, which writes a row of subkeys one after the other
// in transactions of their own; read, of a key, ok with the array of what was
// found in the subkeys, the one written last being read first and null being a
// subkey that is not there. The value may also be [key, array].
//
// Property: if a subkey was there, so are those written before it, which are
// read after it: no null follows anything else ("skipped"). Cost: O(n). Unknown:
// no read of something ended ok: what is not there at all tells nothing.
// Counterexample: "process 3 found "7_4" and, reading on, not what the same
// client had written before it: ["7_4", null, "7_2"] (#20)."
func Sequential() checkers.Checker {
	return checker{
		name: "sequential", judge: judgeSequential,
		lacking: "No read that found something ended ok, so nothing is known about the order of writes.",
		sum: func(r *report) string {
			return fmt.Sprintf("Every read that found something found all that was written before it: %s found all, %d a part.",
				say.Number(r.counts["all"], "read"), r.counts["some"])
		},
	}
}

func judgeSequential(r *report, ops []history.Operation) {
	for i, o := range ops {
		if r.spend(1) {
			r.cutShort(i, len(ops))
			return
		}
		if !ok(o, fRead) {
			continue
		}
		there, absent, skipped, isArray := subkeys(o.Complete.Value)
		switch {
		case !isArray:
			r.doubt("the read #%d is no array of subkeys: %s.", ret(o), show(o.Complete.Value))
		case skipped != nil:
			if r.found("skipped", o) {
				r.tell("skipped", "%s found %s and, reading on, not what the same client had written before it: %s (#%d).",
					who(o), show(skipped), show(o.Complete.Value), ret(o))
			}
		case there == 0:
			r.count("none", 1)
		case absent == 0:
			r.judged = true
			r.count("all", 1)
		default:
			r.judged = true
			r.count("some", 1)
		}
	}
}

// subkeys counts the subkeys that were there and that were not; skipped is one
// that was there and is followed by one that was not.
func subkeys(value json.RawMessage) (there, absent int, skipped json.RawMessage, isArray bool) {
	c := scan(value)
	if !c.open('[') {
		return 0, 0, nil, false
	}
	for i := 0; c.more(']'); i++ {
		x := c.value()
		if i == 1 && len(x) > 0 && x[0] == '[' {
			return subkeys(x)
		}
		if !isNull(x) {
			there++
			skipped = x
			continue
		}
		absent++
		if skipped != nil {
			return there, absent, skipped, true
		}
	}
	return there, absent, nil, !c.bad
}
