package fold

import (
	"cmp"
	"slices"

	"github.com/shakedown-dev/shakedown/history"
)

// sessions is the graph of what is not older than what: an edge leads from one
// version of a key to another that is not older. Between versions stand pasts:
// vertices for all that a session had written, or read, of a key by some
// moment.
type sessions struct {
	r     *report
	asked [sessionGuarantees]bool
	g     graph
	facts []fact // by edge
	// of is by vertex.
	of     []vertexOf
	keys   []*sessionKey
	byName map[string]int32
	seats  map[int]*seat
}

// A vertexOf says what a vertex stands for: a version, by its value's id, null,
// or a past.
type vertexOf struct{ key, version int32 }

const (
	isPast   = -2
	isAbsent = -1 // null
)

// A fact is what an edge rests on. Into a past: op made the version known to
// it. Out of a past: op came after; through, if it is set, is how its session
// had heard of the other's past.
type fact struct{ op, through history.Operation }

// A sessionKey is what is known about one key.
type sessionKey struct {
	name     string
	values   inventory
	absent   int32   // vertex of null
	vertices []int32 // by value
	writers  []writing
	numbers  []numbered
}

// A writing is where in which session a version was written; seat nil: nowhere.
type writing struct {
	seat *seat
	at   int32
}

// A numbered version has a number given by the database.
type numbered struct {
	number int64
	vertex int32
}

// A seat is a session.
type seat struct {
	// at counts its operations.
	at int32
	// wrote and read are the pasts of each key, the latest last.
	wrote, read map[int32][]past
	// heard is, for other sessions, the latest of their writes that this one
	// has read.
	heard map[*seat]hearing
	// order are the keys of heard, in order of appearance.
	order []*seat
}

// A past is a vertex for what a session had seen by its at-th operation.
type past struct{ at, vertex int32 }

// A hearing is a write of another session, by its place there, and the read.
type hearing struct {
	at int32
	op history.Operation
}

func (s *sessions) vertex(key, version int32) int32 {
	s.of = append(s.of, vertexOf{key, version})
	return s.g.vertex()
}

func (s *sessions) edge(from, to, label int32, why fact) {
	s.g.edge(from, to, label)
	s.facts = append(s.facts, why)
}

// key returns a key's number, a new one if it is new.
func (s *sessions) key(name string) int32 {
	at, known := s.byName[name]
	if !known {
		at = int32(len(s.keys))
		s.byName[name] = at
		s.keys = append(s.keys, &sessionKey{name: name, absent: s.vertex(at, isAbsent)})
	}
	return at
}

// seat returns the session of an operation, and its place there.
func (s *sessions) seat(o history.Operation) (*seat, int32) {
	x, known := s.seats[o.Invoke.Process]
	if !known {
		x = &seat{wrote: make(map[int32][]past), read: make(map[int32][]past), heard: make(map[*seat]hearing)}
		s.seats[o.Invoke.Process] = x
	}
	x.at++
	return x, x.at
}

// declare gives every version that may have been written a vertex, and reports
// whether all of a key are different.
func (s *sessions) declare(ops []history.Operation) bool {
	for _, o := range ops {
		if o.Invoke.F != fWrite {
			continue
		}
		key := s.key(o.Invoke.Key)
		k := s.keys[key]
		value, _, _ := versioned(o.Invoke.Value)
		id := k.values.ids.of(value)
		k.values.grow()
		k.values.items[id].add(o)
		if k.values.items[id].attempts > 1 {
			s.r.doubt("%s was written to key %s twice (#%d and #%d); one cannot say then which was read.", show(value), k.name,
				call(k.values.items[id].first), call(o))
			return false
		}
		s.version(key, id)
	}
	return true
}

// version returns the vertex of a version, a new one if it is new.
func (s *sessions) version(key, id int32) int32 {
	k := s.keys[key]
	for len(k.vertices) <= int(id) {
		v := s.vertex(key, int32(len(k.vertices)))
		s.edge(k.absent, v, labelOrder, fact{})
		k.vertices = append(k.vertices, v)
		k.writers = append(k.writers, writing{})
	}
	return k.vertices[id]
}

// live passes over the operations for what each session owes to itself.
func (s *sessions) live(o history.Operation) {
	key := s.key(o.Invoke.Key)
	x, at := s.seat(o)
	if o.Invoke.F == fWrite {
		v, id := s.meant(key, o)
		s.keys[key].writers[id] = writing{x, at}
		s.leads(x.wrote[key], v, labelMW, fact{op: o})
		s.leads(x.read[key], v, labelWFR, fact{op: o})
		x.wrote[key] = s.grow(x.wrote[key], at, v, key, o)
		return
	}
	s.r.count("reads", 1)
	v, _ := s.meant(key, o)
	s.leads(x.wrote[key], v, labelRYW, fact{op: o})
	s.leads(x.read[key], v, labelMR, fact{op: o})
	x.read[key] = s.grow(x.read[key], at, v, key, o)
}

// meant returns the version that an operation writes or read, with its id or
// -1 for null, and notes the number that the database gives it.
func (s *sessions) meant(key int32, o history.Operation) (vertex, id int32) {
	k := s.keys[key]
	value, number, has := versioned(o.Value())
	if o.Invoke.F == fWrite {
		value, _, _ = versioned(o.Invoke.Value)
	} else if isNull(value) {
		return k.absent, -1
	}
	id = k.values.ids.of(value)
	k.values.grow()
	vertex = s.version(key, id)
	if o.Invoke.F == fRead {
		s.r.key = k.name
		k.values.strange(s.r, id, o, "value")
		s.r.key = ""
	}
	if has {
		k.numbers = append(k.numbers, numbered{number, vertex})
	}
	return vertex, id
}

// leads adds the edge from the latest of the pasts to a version, if that is asked for.
func (s *sessions) leads(pasts []past, v, label int32, why fact) {
	if len(pasts) > 0 && s.asked[label] {
		s.edge(pasts[len(pasts)-1].vertex, v, label, why)
		s.r.judged = s.r.judged || why.op.Invoke.F == fRead
	}
}

// grow adds a version to a past.
func (s *sessions) grow(pasts []past, at, v, key int32, o history.Operation) []past {
	p := s.vertex(key, isPast)
	if len(pasts) > 0 {
		s.edge(pasts[len(pasts)-1].vertex, p, labelPast, fact{})
	}
	s.edge(v, p, labelPast, fact{op: o})
	return append(pasts, past{at, p})
}

// listen passes over the operations again for what each session owes to those
// whose writes it has read.
func (s *sessions) listen(o history.Operation) {
	if o.Invoke.F != fRead || !s.asked[labelMW] && !s.asked[labelWFR] {
		return
	}
	key := s.key(o.Invoke.Key)
	x := s.seats[o.Invoke.Process]
	k := s.keys[key]
	value, _, _ := versioned(o.Complete.Value)
	id, v := int32(-1), k.absent
	if !isNull(value) {
		id = k.values.ids.of(value)
		v = k.vertices[id]
	}
	for _, y := range x.order {
		h := x.heard[y]
		s.leads(before(y.wrote[key], h.at), v, labelMW, fact{o, h.op})
		s.leads(before(y.read[key], h.at), v, labelWFR, fact{o, h.op})
	}
	if id < 0 || k.writers[id].seat == nil || k.writers[id].seat == x {
		return
	}
	w := k.writers[id]
	h, again := x.heard[w.seat]
	if !again {
		x.order = append(x.order, w.seat)
	}
	if w.at > h.at {
		x.heard[w.seat] = hearing{w.at, o}
	}
}

// before returns the pasts from before a session's at-th operation.
func before(pasts []past, at int32) []past {
	n, _ := slices.BinarySearchFunc(pasts, at, func(p past, at int32) int { return cmp.Compare(p.at, at) })
	return pasts[:n]
}

// order adds what the database's numbers say: versions with a smaller number
// are older than those with a larger one.
func (s *sessions) order() {
	for key, k := range s.keys {
		slices.SortFunc(k.numbers, func(a, b numbered) int {
			return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.vertex, b.vertex))
		})
		above, here := int32(-1), int32(-1) // pasts of all smaller numbers, and of this one too
		for i, n := range k.numbers {
			if i == 0 || n.number != k.numbers[i-1].number {
				above, here = here, s.vertex(int32(key), isPast)
				if above >= 0 {
					s.edge(above, here, labelOrder, fact{})
				}
			}
			s.edge(n.vertex, here, labelOrder, fact{})
			if above >= 0 {
				s.edge(above, n.vertex, labelOrder, fact{})
			}
		}
	}
}
