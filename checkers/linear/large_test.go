package linear

import (
	"container/heap"
	"math/rand/v2"
	"slices"
)

// A play is clients that are always busy with an object that is right. Every
// event has an index of its own.
type play struct {
	rng                 *rand.Rand
	operations, clients int
	// unknown is the share of 1000 of updates whose outcome is lost. Half of
	// them happen at some later time; their clients go on at once.
	unknown int
	// invent makes the next operation, happen gives it its effect and result.
	invent func() Op
	happen func(*Op)
	// forgets tells of which kinds the outcome may be lost.
	forgets func(Kind) bool
}

func (p play) history() []Op {
	ops := make([]Op, 0, p.operations)
	open := slices.Repeat([]int{none}, p.clients)
	happened := make([]bool, p.clients)
	var late []int
	event := 0
	for len(ops) < p.operations {
		c := p.rng.IntN(p.clients)
		switch {
		case open[c] == none:
			o := p.invent()
			o.Call = event
			event++
			ops = append(ops, o)
			if p.forgets(o.Kind) && p.rng.IntN(1000) < p.unknown {
				ops[len(ops)-1].Unknown = true
				if p.rng.IntN(2) == 0 {
					late = append(late, len(ops)-1)
				}
				continue
			}
			open[c], happened[c] = len(ops)-1, false
		case !happened[c]:
			p.happen(&ops[open[c]])
			happened[c] = true
		default:
			ops[open[c]].Return = event
			event++
			open[c] = none
		}
		if len(late) > 0 && p.rng.IntN(2*p.clients) == 0 {
			i := p.rng.IntN(len(late))
			p.happen(&ops[late[i]])
			late = slices.Delete(late, i, i+1)
		}
	}
	for c, i := range open {
		if i == none {
			continue
		}
		if !happened[c] {
			p.happen(&ops[i])
		}
		ops[i].Return = event
		event++
	}
	return ops
}

// A load says what a large history of a register looks like.
type load struct {
	operations, clients int
	// values is how many different values are written; 0: each once.
	values int
	// cas and unknown are shares of 1000: compare-and-sets, and unknown
	// outcomes of updates. refuse says that a compare-and-set that finds
	// another value does not say which.
	cas, unknown int
	refuse       bool
	seed         uint64
}

func (l load) register() []Op {
	rng := rand.New(rand.NewPCG(l.seed, 99))
	state, written := 0, 0
	value := func() int {
		written++
		if l.values > 0 {
			return 1 + rng.IntN(l.values)
		}
		return written
	}
	return play{
		rng: rng, operations: l.operations, clients: l.clients, unknown: l.unknown,
		forgets: func(k Kind) bool { return k != Read },
		invent: func() Op {
			switch n := rng.IntN(1000); {
			case n < l.cas:
				return Op{Kind: CAS, Value: state, New: value()}
			case n < l.cas+(1000-l.cas)/2:
				return Op{Kind: Write, Value: value()}
			}
			return Op{Kind: Read}
		},
		happen: func(o *Op) {
			switch {
			case o.Kind == Read:
				o.Value = state
			case o.Kind == Write:
				state = o.Value
			case o.Value == state:
				state = o.New
			case o.Unknown:
			case l.refuse:
				o.Kind, o.New = Refuse, 0
			default:
				o.Kind, o.Value, o.New = Read, state, 0
			}
		},
	}.history()
}

// largest first.
type byValue []int

func (v byValue) Len() int           { return len(v) }
func (v byValue) Less(a, b int) bool { return v[a] > v[b] }
func (v byValue) Swap(a, b int)      { v[a], v[b] = v[b], v[a] }
func (v *byValue) Push(x any)        { *v = append(*v, x.(int)) }
func (v *byValue) Pop() any {
	last := (*v)[len(*v)-1]
	*v = (*v)[:len(*v)-1]
	return last
}

// container plays a queue, stack or priority queue that holds a few dozen
// values; 1 % of the puts have an unknown outcome.
func container(object Object, operations, clients int, seed uint64) []Op {
	rng := rand.New(rand.NewPCG(seed, 98))
	var held byValue
	next := 0
	return play{
		rng: rng, operations: operations, clients: clients, unknown: 10,
		forgets: func(k Kind) bool { return k == Put },
		invent: func() Op {
			if rng.IntN(64) >= len(held)+16 {
				next++
				// Values of a priority queue come in no order.
				return Op{Kind: Put, Value: (next * 7919) % 15485863}
			}
			return Op{Kind: Take}
		},
		happen: func(o *Op) {
			switch {
			case o.Kind == Put && object == PriorityQueue:
				heap.Push(&held, o.Value)
			case o.Kind == Put:
				held = append(held, o.Value)
			case len(held) == 0:
				o.Kind = Empty
			case object == PriorityQueue:
				o.Value = heap.Pop(&held).(int)
			case object == Queue:
				o.Value, held = held[0], held[1:]
			default:
				o.Value, held = held[len(held)-1], held[:len(held)-1]
			}
		},
	}.history()
}

// counter plays a counter that grows by 3, and sometimes tells what came out.
func counter(operations, clients int, seed uint64) []Op {
	rng := rand.New(rand.NewPCG(seed, 97))
	value := 0
	return play{
		rng: rng, operations: operations, clients: clients, unknown: 20,
		forgets: func(k Kind) bool { return k != Read },
		invent: func() Op {
			return Op{Kind: []Kind{Read, Add, FetchAdd}[rng.IntN(3)], Value: 3}
		},
		happen: func(o *Op) {
			switch o.Kind {
			case Read:
				o.Value = value
				return
			case FetchAdd:
				o.New = value + 3
			}
			value += 3
		},
	}.history()
}

// grown plays a log, or a set that grows; of every thousand operations one
// reads all.
func grown(operations, clients int, seed uint64) []Op {
	rng := rand.New(rand.NewPCG(seed, 96))
	var all []int
	next := 0
	return play{
		rng: rng, operations: operations, clients: clients, unknown: 20,
		forgets: func(k Kind) bool { return k == Add },
		invent: func() Op {
			if rng.IntN(max(10, operations/200)) == 0 {
				return Op{Kind: Snapshot}
			}
			next++
			return Op{Kind: Add, Value: next}
		},
		happen: func(o *Op) {
			if o.Kind == Add {
				all = append(all, o.Value)
				return
			}
			o.Whole = slices.Clone(all)
		},
	}.history()
}

// members plays a set of which each element is added once and removed once.
func members(operations, clients int, seed uint64) []Op {
	rng := rand.New(rand.NewPCG(seed, 95))
	in := map[int]bool{}
	removed := map[int]bool{}
	next := 0
	return play{
		rng: rng, operations: operations, clients: clients, unknown: 20,
		forgets: func(k Kind) bool { return k == Insert },
		invent: func() Op {
			recent := max(1, next-rng.IntN(20))
			switch n := rng.IntN(10); {
			case n < 3:
				next++
				return Op{Kind: Insert, Value: next}
			case n < 5 && !removed[recent]:
				removed[recent] = true
				return Op{Kind: Remove, Value: recent}
			default:
				return Op{Kind: Has, Value: recent}
			}
		},
		happen: func(o *Op) {
			switch {
			case o.Kind == Insert:
				in[o.Value] = true
			case o.Kind == Remove && in[o.Value]:
				delete(in, o.Value)
			case !in[o.Value]:
				o.Kind = Lacks
			}
		},
	}.history()
}

// holds plays a lock whose holders take turns; an operation that finds it taken
// is not in the history.
func holds(operations, clients int, seed uint64) []Op {
	rng := rand.New(rand.NewPCG(seed, 94))
	ops := make([]Op, 0, operations)
	event, holder := 0, 0
	for len(ops) < operations {
		holder = 1 + (holder+rng.IntN(clients-1))%clients
		ops = append(ops, Op{Kind: Acquire, Value: holder, Call: event, Return: event + 2},
			Op{Kind: Release, Value: holder, Call: event + 3, Return: event + 5, Unknown: rng.IntN(50) == 0})
		event += 4 // the next acquire is called while the release is open
	}
	return ops
}
