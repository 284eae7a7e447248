//go:build linux

package netem

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// ErrRefused is that the kernel, or what is in that network already, leaves no
// room for a netem of ours. Nothing has been changed.
var ErrRefused = errors.New("netem is not to be had")

// A Shaper shapes what is sent from one network namespace. It is not safe for
// concurrent use.
type Shaper struct {
	ns    int
	line  *rules.Line
	table table
	leaf  func(class) netlink.Qdisc // netem; tests of kernels without have something else

	made    bool // the tables are there
	roots   map[int]bool
	classes map[netip.Addr]class
	retired []retired
	past    map[uint64]Count // of classes that are no more
	minor   uint16           // the last that was given
}

// A retired class gets no packets any more and still has some.
type retired struct {
	class
	until time.Time // when nothing can be in it any more
}

// New returns a Shaper for the network namespace with that file descriptor.
// Nothing is changed in the kernel before the first Settle. What is shaped
// expires after lifetime unless it is settled again. Name is that of the tables.
func New(ns int, name string, lifetime time.Duration) *Shaper {
	return &Shaper{
		ns: ns, line: rules.NewLine(ns), table: newTable(name, lifetime), leaf: class.netem,
		roots: map[int]bool{}, classes: map[netip.Addr]class{}, past: map[uint64]Count{},
	}
}

// Settle shapes what is sent to these addresses, and to no others. What has
// been delayed before keeps its time; what is sent from now on may overtake it.
// An error that is [ErrRefused] means that this cannot be done here at all.
func (s *Shaper) Settle(ctx context.Context, want map[netip.Addr]Shape) error {
	return speak(s.ns, func(h *netlink.Handle) error {
		if err := s.restore(h); err != nil {
			return err
		}
		next, fresh, err := s.prepare(h, want)
		if err == nil {
			err = s.commit(ctx, next)
		}
		if err != nil {
			for _, c := range fresh {
				_ = h.ClassDel(c.branch()) // Nothing goes there yet.
			}
			return err
		}
		s.retire(next)
		return errors.Join(s.sweep(h), s.verify(ctx, h))
	})
}

// restore forgets the classes of interfaces from which somebody took our root.
func (s *Shaper) restore(h *netlink.Handle) error {
	if len(s.roots) == 0 {
		return nil
	}
	all, err := h.QdiscList(nil)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	for link := range s.roots {
		if slices.ContainsFunc(all, func(q netlink.Qdisc) bool { return ours(q) && q.Attrs().LinkIndex == link }) {
			continue
		}
		delete(s.roots, link)
		maps.DeleteFunc(s.classes, func(_ netip.Addr, c class) bool { return c.link == link })
		s.retired = slices.DeleteFunc(s.retired, func(r retired) bool { return r.link == link })
	}
	return nil
}

// prepare makes the classes that are missing.
func (s *Shaper) prepare(h *netlink.Handle, want map[netip.Addr]Shape) (next map[netip.Addr]class, fresh []class, err error) {
	next = map[netip.Addr]class{}
	for to, shape := range want {
		if old, ok := s.classes[to]; ok && old.shape == shape {
			next[to] = old
			continue
		}
		c, err := s.add(h, to, shape)
		if err != nil {
			return nil, fresh, err
		}
		next[to], fresh = c, append(fresh, c)
	}
	return next, fresh, nil
}

// add makes a class, which nothing goes to yet.
func (s *Shaper) add(h *netlink.Handle, to netip.Addr, shape Shape) (class, error) {
	link, err := towards(h, to)
	if err != nil {
		return class{}, errors.Join(ErrRefused, err)
	}
	minor, err := s.free()
	if err != nil {
		return class{}, err
	}
	if err := s.plant(h, link); err != nil {
		return class{}, err
	}
	c := class{link: link, minor: minor, shape: shape}
	if err := h.ClassAdd(c.branch()); err != nil {
		return class{}, fmt.Errorf("add a class: %w", err)
	}
	if err := h.QdiscAdd(s.leaf(c)); err != nil {
		err = refusal(fmt.Errorf("add a netem: %w", err), "CONFIG_NET_SCH_NETEM")
		return class{}, errors.Join(err, h.ClassDel(c.branch()), s.uproot(h, link))
	}
	return c, nil
}

// free is a number that no class has.
func (s *Shaper) free() (uint16, error) {
	used := map[uint16]bool{}
	for _, c := range s.classes {
		used[c.minor] = true
	}
	for _, r := range s.retired {
		used[r.minor] = true
	}
	for range most {
		s.minor = s.minor%most + 1
		if !used[s.minor] {
			return s.minor, nil
		}
	}
	return 0, fmt.Errorf("more than %d addresses are shaped", most)
}

// plant makes our root on an interface, unless it is there. One that an agent
// has left that was killed is replaced; one of somebody else is not.
func (s *Shaper) plant(h *netlink.Handle, link int) error {
	if s.roots[link] {
		return nil
	}
	err := h.QdiscDel(root(link))
	if err != nil && !gone(err) {
		return fmt.Errorf("delete a root of before: %w", err)
	}
	if err := h.QdiscAdd(root(link)); err != nil {
		return refusal(fmt.Errorf("add a root: %w", err), "CONFIG_NET_SCH_HTB")
	}
	s.roots[link] = true
	return nil
}

// uproot takes our root away if it has no classes.
func (s *Shaper) uproot(h *netlink.Handle, link int) error {
	for _, c := range s.classes {
		if c.link == link {
			return nil
		}
	}
	for _, r := range s.retired {
		if r.link == link {
			return nil
		}
	}
	if err := h.QdiscDel(root(link)); err != nil && !gone(err) {
		return err
	}
	delete(s.roots, link)
	return nil
}

// refusal tells what will never be from what failed once.
func refusal(err error, needs string) error {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.EOPNOTSUPP):
		return fmt.Errorf("%w: this kernel has no %s: %w", ErrRefused, needs, err)
	case errors.Is(err, syscall.EEXIST), errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%w: the interface has a queueing discipline of somebody else: %w", ErrRefused, err)
	}
	return err
}

// commit sends the packets to their classes from now on, in one transaction.
func (s *Shaper) commit(ctx context.Context, next map[netip.Addr]class) error {
	change := func(do func(*nftables.Conn, map[netip.Addr]class) error) error {
		return s.line.Talk(ctx, func(c *nftables.Conn) error { return errors.Join(do(c, next), c.Flush()) })
	}
	var err error
	if s.made {
		err = change(s.table.replace)
	}
	if !s.made || errors.Is(err, syscall.ENOENT) {
		err = change(s.table.create)
	}
	if err != nil {
		return fmt.Errorf("choose what goes to netem: %w", refusal(err, "CONFIG_NF_TABLES"))
	}
	s.made = true
	return nil
}

// retire takes over the classes that are in force; the others get nothing any
// more.
func (s *Shaper) retire(next map[netip.Addr]class) {
	for to, c := range s.classes {
		if next[to] != c {
			s.retired = append(s.retired, retired{c, time.Now().Add(c.shape.Delay + time.Second)})
		}
	}
	s.classes = next
}

// sweep deletes the retired classes that are empty.
func (s *Shaper) sweep(h *netlink.Handle) error {
	if len(s.retired) == 0 {
		return nil
	}
	now, err := s.read(h)
	if err != nil {
		return err
	}
	var errs []error
	s.retired = slices.DeleteFunc(s.retired, func(r retired) bool {
		leaf, there := now[r.class.at()]
		if there && leaf.held > 0 && time.Now().Before(r.until) {
			return false
		}
		s.past[r.shape.ID] = s.past[r.shape.ID].plus(leaf.Count)
		if err := h.ClassDel(r.branch()); err != nil && !gone(err) {
			errs = append(errs, fmt.Errorf("delete a class: %w", err))
		}
		return true
	})
	return errors.Join(errs...)
}

// verify compares what is in force with what should be.
func (s *Shaper) verify(ctx context.Context, h *netlink.Handle) error {
	now, err := s.read(h)
	if err != nil {
		return err
	}
	for to, c := range s.classes {
		leaf, ok := now[c.at()]
		if !ok || !leaf.like(s.leaf(c)) {
			return fmt.Errorf("read back: what is sent to %v is not shaped as it should be", to)
		}
	}
	return s.line.Talk(ctx, func(c *nftables.Conn) error {
		got, err := s.table.count(c)
		if err == nil && got != len(s.classes) {
			err = fmt.Errorf("read back: what is sent to %d addresses is shaped instead of %d", got, len(s.classes))
		}
		return err
	})
}

// Idle reports whether nothing is shaped, and nothing is held any more.
func (s *Shaper) Idle() bool { return len(s.classes) == 0 && len(s.retired) == 0 }

// Counts is what became of packets so far, by the IDs of shapes.
func (s *Shaper) Counts() (map[uint64]Count, error) {
	counts := maps.Clone(s.past)
	if s.Idle() {
		return counts, nil
	}
	err := speak(s.ns, func(h *netlink.Handle) error {
		now, err := s.read(h)
		if err != nil {
			return err
		}
		for _, c := range s.classes {
			counts[c.shape.ID] = counts[c.shape.ID].plus(now[c.at()].Count)
		}
		for _, r := range s.retired {
			counts[r.shape.ID] = counts[r.shape.ID].plus(now[r.at()].Count)
		}
		return nil
	})
	return counts, err
}

// Abandon lets go of a network namespace that is no more.
func (s *Shaper) Abandon() error { return s.line.Close() }

// Close removes everything from the kernel; what is held is lost.
func (s *Shaper) Close(ctx context.Context) error {
	var err error
	if s.made {
		err = s.line.Talk(ctx, s.table.delete)
		if errors.Is(err, syscall.ENOENT) {
			err = nil
		}
	}
	if len(s.roots) > 0 {
		err = errors.Join(err, speak(s.ns, func(h *netlink.Handle) error {
			var errs []error
			for link := range s.roots {
				if err := h.QdiscDel(root(link)); err != nil && !gone(err) {
					errs = append(errs, fmt.Errorf("delete our root: %w", err))
				}
			}
			return errors.Join(errs...)
		}))
	}
	clear(s.roots)
	clear(s.classes)
	s.retired, s.made = nil, false
	return errors.Join(err, s.line.Close())
}
