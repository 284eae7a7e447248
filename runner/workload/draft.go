package workload

import (
	"encoding/json"
	"math/rand/v2"
	"time"
)

// A plan is how a workload is made: what each client draws by itself, and what
// is given out to all of them in the order in which operations are due.
type plan struct {
	Spec
	// prefix begins the names of keys: "s" for s3.7.
	prefix string
	// more draws what a draft needs besides; nil if nothing.
	more func(rng *rand.Rand, d *sketch)
	// give makes the operation: F, Key and Value.
	give func(d *sketch, slots []*slot) Operation
}

// A sketch is an operation of which the slot is known, and the key not yet.
type sketch struct {
	at     time.Duration
	f      string
	slot   int
	client int
	// n are numbers: what of depends on the workload.
	n []int
	// parts are the micro-operations of a transaction.
	parts []part
}

// A part is a micro-operation of which the slot is known, and the key not yet.
type part struct {
	f    string
	slot int
}

// make draws everything and gives it out, as [Register] does.
func (p plan) make() [][]Operation {
	sketches := make([][]*sketch, max(p.Clients, 0))
	ops := make([][]Operation, len(sketches))
	for client := range sketches {
		sketches[client] = p.sketch(client)
		for _, d := range sketches[client] {
			ops[client] = append(ops[client], Operation{At: d.at})
		}
	}
	slots := newSlots(p.Spec)
	for _, s := range slots {
		s.prefix = p.prefix
	}
	for _, due := range merge(ops) {
		d := sketches[due.client][due.n]
		op := p.give(d, slots)
		op.At = d.at
		ops[due.client][due.n] = op
	}
	return ops
}

// sketch makes the sketches of one client, which depend on no other client.
func (p plan) sketch(client int) []*sketch {
	rng := rand.New(rand.NewPCG(p.Seed, uint64(client)))
	mix := newMix(p.Mix)
	if mix.total == 0 {
		return nil
	}
	var all []*sketch
	for at, more := p.next(rng, 0, 0); more; at, more = p.next(rng, at, len(all)) {
		d := &sketch{at: time.Duration(at), f: mix.pick(rng), slot: rng.IntN(max(p.Keys, 1)), client: client}
		if p.more != nil {
			p.more(rng, d)
		}
		all = append(all, d)
	}
	return all
}

// simple is the plan of a workload of which each operation is of one key;
// value, if it is not nil, makes the values of those whose f is in writes.
func simple(s Spec, prefix string, writes map[string]func(*slot) json.RawMessage) [][]Operation {
	return plan{Spec: s, prefix: prefix, give: func(d *sketch, slots []*slot) Operation {
		slot := slots[d.slot]
		slot.use()
		op := Operation{F: d.f, Key: slot.key()}
		if value := writes[d.f]; value != nil {
			op.Value = value(slot)
		}
		return op
	}}.make()
}
