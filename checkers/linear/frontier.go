package linear

// A config is one way in which everything can have gone so far: which of the
// operations that are open now have taken effect, and the state they led to.
// Operations that have returned took effect in every configuration.
type config struct {
	// done are the open operations that took effect, by slot.
	done uint64
	// spare are open blind operations that may or may not have taken effect:
	// they were open when another blind operation took effect, so that they
	// may have done so right before, and nobody noticed. They may be used
	// still, and need not.
	spare uint64
	state int32
	// used are the unknown operations that took effect; see usage.
	used int32
}

// A frontier is a set of configurations of which none is covered by another.
type frontier struct {
	configs []config
	// next links configurations of one bucket; -1 ends.
	next []int32
	// dead counts configurations that have been covered; they are marked by
	// state -1.
	dead int
	// table holds the heads of buckets by open addressing; an entry counts
	// only if its stamp is the current one, so that clearing is one step.
	table []bucket
	stamp uint32
	// live counts buckets.
	live int
}

type bucket struct {
	stamp uint32
	head  int32
	key   uint64
	state int32
}

func newFrontier() *frontier {
	return &frontier{table: make([]bucket, 64), stamp: 1}
}

func (f *frontier) clear() {
	f.configs, f.next, f.dead, f.live = f.configs[:0], f.next[:0], 0, 0
	if f.stamp++; f.stamp == 0 {
		clear(f.table)
		f.stamp = 1
	}
}

// A cover decides which configurations make others needless. Configuration a
// covers b if whatever b can do from here on, a can do as well:
//
//   - they are in the same state;
//   - a used no more unknown operations (one that was not used can still be);
//   - an operation that is spare in a, is at least as free there as in b;
//   - all others are done in both or in neither, but a pure one may be done in a
//     and not in b (what never changes a state is no use except to be done).
type cover struct {
	pures, blinds uint64
	usage         *usage
	// beam, unless 0, is how many of a bucket are kept that used unknown
	// operations; of more, those that used most are lost.
	beam int
}

func (v *cover) covers(a, b *config) bool {
	differ := (a.done ^ b.done) &^ a.spare
	return b.spare&^a.spare == 0 && differ&^v.pures == 0 && b.done&^a.done&v.pures == 0 && v.usage.within(a.used, b.used)
}

// find returns the bucket of c: configurations that can cover each other are in
// one bucket, because they agree in the operations that are neither pure nor blind.
func (f *frontier) find(c *config, v *cover) *bucket {
	key := c.done &^ (v.pures | v.blinds)
	h := (key+1)*0x9e3779b97f4a7c15 ^ uint64(c.state+1)*0xd1342543de82ef95
	h ^= h >> 29
	mask := uint64(len(f.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		b := &f.table[i]
		if b.stamp != f.stamp {
			b.stamp, b.head, b.key, b.state = f.stamp, -1, key, c.state
			f.live++
			return b
		}
		if b.key == key && b.state == c.state {
			return b
		}
	}
}

// add puts c into the set unless it is covered, and drops what c covers. It
// reports whether c went in.
func (f *frontier) add(c config, v *cover) bool {
	if 2*f.live >= len(f.table) {
		f.grow(v)
	}
	b := f.find(&c, v)
	link := &b.head
	kept, most := 0, int32(-1)
	for i := b.head; i >= 0; i = *link {
		old := &f.configs[i]
		if v.covers(old, &c) {
			return false
		}
		if v.covers(&c, old) {
			old.state = -1
			f.dead++
			*link = f.next[i]
			continue
		}
		link = &f.next[i]
		if kept++; v.beam > 0 && (most < 0 || v.usage.sizes[old.used] > v.usage.sizes[f.configs[most].used]) {
			most = i
		}
	}
	if v.beam > 0 && kept >= v.beam {
		// The one that used most makes room.
		if v.usage.sizes[f.configs[most].used] <= v.usage.sizes[c.used] {
			return false
		}
		f.configs[most] = c
		return true
	}
	f.configs = append(f.configs, c)
	f.next = append(f.next, b.head)
	b.head = int32(len(f.configs) - 1)
	return true
}

// grow makes the table larger, and leaves out the dead.
func (f *frontier) grow(v *cover) {
	f.table, f.stamp, f.live = make([]bucket, 2*len(f.table)), 1, 0
	f.pack()
	f.next = f.next[:0]
	for i := range f.configs {
		b := f.find(&f.configs[i], v)
		f.next = append(f.next, b.head)
		b.head = int32(i)
	}
}

// pack removes the dead from configs; the buckets are then no longer right.
func (f *frontier) pack() {
	n := 0
	for _, c := range f.configs {
		if c.state >= 0 {
			f.configs[n] = c
			n++
		}
	}
	f.configs, f.dead = f.configs[:n], 0
}
