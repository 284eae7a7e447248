package disk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// nameCost is the room that a new name takes on a full disk.
const nameCost = 4096

// A rule is a Rule in force.
type rule struct {
	Rule
	ops    map[Op]bool
	fs     *FS
	healed chan struct{} // closed by the heal

	mu    sync.Mutex
	dice  *rand.Rand
	room  int64
	count Counters
}

// rules are those in force.
type rules struct {
	mu   sync.Mutex // of changes
	list atomic.Pointer[[]*rule]
}

// Inject puts a rule in force. A rule with the same ID is replaced. Reads that
// it concerns are no longer answered by the page cache.
func (f *FS) Inject(r Rule) error {
	if err := r.check(); err != nil {
		return err
	}
	if len(r.Ops) == 0 {
		r.Ops = r.Kind.affected()
	}
	if r.Kind == Full {
		r.Ops, r.Path, r.Probability = r.Kind.affected(), "", 0
	}
	in := &rule{
		Rule: r, ops: map[Op]bool{}, fs: f, healed: make(chan struct{}),
		dice: rand.New(rand.NewPCG(r.Seed, 0)), room: r.Room, count: Counters{By: map[Op]int64{}},
	}
	for _, op := range r.Ops {
		in.ops[op] = true
	}
	f.rules.replace(r.ID, in)
	if in.ops[Read] {
		f.dropCaches(r.Path)
	}
	return nil
}

// Heal takes a rule back; calls that it delays go on at once. It returns what
// the rule has done. Healing twice is no error, and returns nothing done.
func (f *FS) Heal(id string) Counters {
	was := f.Counters(id)
	f.rules.replace(id, nil)
	return was
}

// Counters tell what a rule in force has done so far.
func (f *FS) Counters(id string) Counters {
	for _, r := range f.rules.all() {
		if r.ID == id {
			return r.counters()
		}
	}
	return Counters{}
}

// dropCaches makes the kernel forget the pages of the files of a pattern.
func (f *FS) dropCaches(pattern string) {
	for _, n := range f.nodes.all() {
		if n.kind == unix.S_IFREG && Match(pattern, f.nodes.path(n, "")) {
			f.server.InodeNotify(n.id, 0, 0) // Unknown to the kernel: then it has no pages.
		}
	}
}

func (s *rules) all() []*rule {
	if list := s.list.Load(); list != nil {
		return *list
	}
	return nil
}

// replace takes out the rule of that ID, if any, and puts in r unless it is nil.
func (s *rules) replace(id string, r *rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(s.all()), func(old *rule) bool {
		if old.ID == id {
			close(old.healed)
		}
		return old.ID == id
	})
	if r != nil {
		list = append(list, r)
	}
	s.list.Store(&list)
}

func (s *rules) clear() {
	for _, r := range s.all() {
		s.replace(r.ID, nil)
	}
}

// apply lets the rules delay or fail one call on a node, or on a name in it.
func (s *rules) apply(cancel <-chan struct{}, op Op, n *node, name string) fuse.Status {
	list := s.all()
	if len(list) == 0 || n == nil {
		return fuse.OK
	}
	for _, r := range list {
		if r.Kind == Full {
			if op == Create && r.take(op, nameCost) < nameCost {
				return fuse.Status(unix.ENOSPC)
			}
			continue
		}
		if !r.hits(op, n, name) {
			continue
		}
		if s := r.hurt(cancel, op); !s.Ok() {
			return s
		}
	}
	return fuse.OK
}

// write lets the rules have their say about a write, and returns how much of
// it they have room for.
func (s *rules) write(cancel <-chan struct{}, n *node, off, size int64) (int64, fuse.Status) {
	return s.space(cancel, Write, n, off, size)
}

// allocate is write for an allocation.
func (s *rules) allocate(cancel <-chan struct{}, n *node, off, size int64) (int64, fuse.Status) {
	return s.space(cancel, Allocate, n, off, size)
}

func (s *rules) space(cancel <-chan struct{}, op Op, n *node, off, size int64) (int64, fuse.Status) {
	if len(s.all()) == 0 {
		return size, fuse.OK
	}
	if status := s.apply(cancel, op, n, ""); !status.Ok() {
		return 0, status
	}
	for _, r := range s.all() {
		if r.Kind != Full {
			continue
		}
		has, err := sizeOf(n.fd)
		if err != nil {
			return 0, status(err)
		}
		grows := max(0, off+size-max(has, off))
		if got := r.take(op, grows); got < grows {
			if size -= grows - got; size == 0 {
				return 0, fuse.Status(unix.ENOSPC)
			}
		}
	}
	return size, fuse.OK
}

// freed gives room back to a full disk, or takes it if bytes is negative.
func (s *rules) freed(bytes int64) {
	for _, r := range s.all() {
		if r.Kind == Full {
			r.mu.Lock()
			r.room += max(bytes, 0)
			r.mu.Unlock()
		}
	}
}

// room is what rules leave of the disk's space, if any limits it.
func (s *rules) room() (bytes int64, limited bool) {
	for _, r := range s.all() {
		r.mu.Lock()
		left := r.room
		r.mu.Unlock()
		if r.Kind == ENOSPC {
			left = 0
		}
		if r.Kind == ENOSPC || r.Kind == Full {
			if !limited || left < bytes {
				bytes = left
			}
			limited = true
		}
	}
	return bytes, limited
}

// hits says whether the rule is about the call, and counts it then.
func (r *rule) hits(op Op, n *node, name string) bool {
	if !r.ops[op] || (r.Path != "" && !Match(r.Path, r.fs.nodes.path(n, name))) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.Probability > 0 && r.dice.Float64() >= r.Probability {
		return false
	}
	r.count.By[op]++
	if r.Kind == Slow {
		r.count.Delayed++
	} else {
		r.count.Failed++
	}
	return true
}

// hurt does to the call what the rule says.
func (r *rule) hurt(cancel <-chan struct{}, op Op) fuse.Status {
	switch r.Kind {
	case EIO:
		return fuse.EIO
	case ENOSPC:
		return fuse.Status(unix.ENOSPC)
	case ReadOnly:
		return fuse.EROFS
	}
	timer := time.NewTimer(r.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.healed:
	case <-cancel:
		// Most calls of a disk cannot be interrupted by a signal, and one that
		// is, is asked again or gives up only when its process dies.
		if op == Open {
			return fuse.EINTR
		}
	}
	return fuse.OK
}

// take takes up to want bytes of the room of a full disk, and counts a call
// that does not get all of it.
func (r *rule) take(op Op, want int64) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := min(want, max(r.room, 0))
	if op == Create && got < want {
		got = 0
	}
	r.room -= got
	if got < want {
		r.count.Failed++
		r.count.By[op]++
		r.count.Bytes += want - got
	}
	return got
}

func (r *rule) counters() Counters {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.count
	c.By = maps.Clone(c.By)
	return c
}

// HealAll takes every rule back, and describes those that were in force.
func (f *FS) HealAll() []string {
	var out []string
	defer f.rules.clear()
	for _, r := range f.rules.all() {
		out = append(out, fmt.Sprintf("%s (%s)", r.ID, r.Kind))
	}
	return out
}
