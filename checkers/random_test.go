package checkers

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// A shape says what random histories look like.
type shape struct {
	processes, operations int
	keys                  int
	// values is how many different values are written; 0 means that each is
	// written once.
	values int
	// cas and info are shares of 100.
	cas, info int
	// lies is the share of 100 of reads that return any value at all, and of
	// failed compare-and-sets that claim to have succeeded, or to have found
	// any value.
	lies int
	// lost is the number of the write that is forgotten at once, from 1 on; 0
	// for none.
	lost int
}

// A script is a history in the making, event by event.
type script struct {
	rng     *rand.Rand
	shape   shape
	ops     []history.Op
	state   map[string]string
	written int
	writes  int // that happened
	// pending are the operations that are open, by process.
	pending map[int]*pending
	next    int
	busy    []int
	// late are operations with an unknown result that may still happen.
	late []*pending
}

// A pending operation takes effect at some moment between its events.
type pending struct {
	op       history.Op
	happened bool
	ok       bool
	read     string
	old, new string
}

// randomHistory plays clients against registers that are right, as long as
// nobody lies: every operation takes effect at one random moment while it is
// open. Of those that end as info half never happened, and the others happen at
// once or much later.
func randomHistory(rng *rand.Rand, s shape) *history.History {
	w := &script{rng: rng, shape: s, state: map[string]string{}, pending: map[int]*pending{}}
	for p := range s.processes {
		w.busy = append(w.busy, p)
	}
	w.next = s.processes
	invoked := 0
	for invoked < s.operations || len(w.pending) > 0 {
		slot := rng.IntN(len(w.busy))
		p := w.pending[w.busy[slot]]
		switch {
		case p == nil && invoked < s.operations:
			w.invoke(w.busy[slot])
			invoked++
		case p == nil:
		case !p.happened && rng.IntN(100) < s.info:
			w.lose(slot, p)
		case !p.happened:
			w.happen(p)
		default:
			w.complete(slot, p)
		}
		if len(w.late) > 0 && rng.IntN(8) == 0 {
			i := rng.IntN(len(w.late))
			w.happen(w.late[i])
			w.late = slices.Delete(w.late, i, i+1)
		}
	}
	return history.New(w.ops)
}

func (w *script) append(op history.Op) {
	op.Index = len(w.ops)
	// Time often stands still, so that ties are common.
	if op.Index > 0 {
		op.Time = w.ops[op.Index-1].Time
	}
	if w.rng.IntN(3) > 0 {
		op.Time += 1_000_000
	}
	w.ops = append(w.ops, op)
}

func (w *script) value() string {
	w.written++
	if w.shape.values == 0 {
		return fmt.Sprint(w.written)
	}
	return fmt.Sprint(1 + w.rng.IntN(w.shape.values))
}

// any returns a value that a liar might say, or a cas might expect.
func (w *script) any() string {
	n := w.written + 1
	if w.shape.values > 0 {
		n = w.shape.values + 1
	}
	if i := w.rng.IntN(n); i > 0 {
		return fmt.Sprint(i)
	}
	return "null"
}

func (w *script) invoke(process int) {
	op := history.Op{Process: process, F: "read", Key: fmt.Sprintf("k%d", w.rng.IntN(max(1, w.shape.keys))), Node: fmt.Sprintf("n%d", 1+process%3)}
	p := &pending{}
	switch n := w.rng.IntN(100); {
	case n < w.shape.cas:
		op.F, p.old, p.new = "cas", w.current(op.Key), w.value()
		if w.rng.IntN(3) == 0 {
			p.old = w.any()
		}
		op.Value = json.RawMessage("[" + p.old + "," + p.new + "]")
	case n < w.shape.cas+(100-w.shape.cas)/2:
		op.F, p.new = "write", w.value()
		op.Value = json.RawMessage(p.new)
	}
	p.op = op
	w.pending[process] = p
	w.append(op)
}

func (w *script) current(key string) string {
	if v, ok := w.state[key]; ok {
		return v
	}
	return "null"
}

func (w *script) happen(p *pending) {
	p.happened, p.ok = true, true
	now := w.current(p.op.Key)
	switch p.op.F {
	case "read":
		p.read = now
	case "write":
		w.writes++
		if w.writes != w.shape.lost {
			w.state[p.op.Key] = p.new
		}
	case "cas":
		p.read = now
		if p.ok = now == p.old; p.ok {
			w.state[p.op.Key] = p.new
		}
	}
}

// found is the value of a cas that failed and says what was there instead.
func (w *script) found(p *pending) json.RawMessage {
	found := p.read
	if w.rng.IntN(100) < w.shape.lies {
		found = w.any()
	}
	return json.RawMessage("[" + p.old + "," + p.new + "," + found + "]")
}

func (w *script) complete(slot int, p *pending) {
	delete(w.pending, p.op.Process)
	op := p.op
	op.Type = history.OK
	switch {
	case w.rng.IntN(100) < w.shape.info:
		op.Type, op.Error = history.Info, "timed out"
		w.busy[slot] = w.next
		w.next++
	case !p.ok && w.rng.IntN(100) >= w.shape.lies:
		op.Type = history.Fail
		if w.rng.IntN(2) == 0 {
			op.Value = w.found(p)
		}
	case op.F == "read":
		op.Value = json.RawMessage(p.read)
		if w.rng.IntN(100) < w.shape.lies {
			op.Value = json.RawMessage(w.any())
		}
		if string(op.Value) == "null" {
			op.Value = nil
		}
	}
	w.append(op)
}

// lose ends an operation as info before it happened. Half of them still will.
func (w *script) lose(slot int, p *pending) {
	if w.rng.IntN(2) == 0 {
		w.late = append(w.late, p)
	}
	delete(w.pending, p.op.Process)
	op := p.op
	op.Type, op.Error = history.Info, "timed out"
	w.busy[slot] = w.next
	w.next++
	w.append(op)
}

// clone returns a copy of h whose events can be changed.
func clone(h *history.History) *history.History {
	return history.New(slices.Clone(h.Ops))
}
