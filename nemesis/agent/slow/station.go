//go:build linux

package slow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/nfqueue"
	"github.com/shakedown-dev/shakedown/nemesis/agent/rules"
)

// looked is how much of a packet we look at where that is enough: its sender.
const looked = 64

// firstQueue is the first queue number that is tried, in the namespace of a
// node, where nobody else is expected to have one.
const firstQueue = 7700

// A station is what is in the kernel for one receiving node: a queue, its pump
// and the tables, all in the node's network namespace.
type station struct {
	netns int
	line  *rules.Line
	table table
	pump  *pump
}

// openStation makes a station for what comes from the senders of links.
func openStation(ctx context.Context, netns int, name string, lifetime time.Duration, links map[netip.Addr]*link) (*station, error) {
	q, err := nfqueue.Open(netns, firstQueue, looked)
	if err != nil {
		return nil, err
	}
	s := &station{netns: netns, line: rules.NewLine(netns)}
	if s.pump, err = startPump(q); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	if err := s.equip(links); err != nil {
		return nil, errors.Join(err, s.pump.end())
	}
	s.pump.swap(links)
	senders := slices.Collect(maps.Keys(links))
	// Each attempt has a socket of its own: one that failed has answers left over.
	for _, native := range []bool{true, false} {
		s.table = newTable(name, lifetime, q.Number, native)
		err = s.line.Talk(ctx, func(c *nftables.Conn) error {
			return errors.Join(s.table.create(c, senders), c.Flush())
		})
		if err == nil {
			return s, s.verify(ctx, len(senders))
		}
	}
	return nil, errors.Join(nfqueue.Hint(err), s.line.Close(), s.pump.end())
}

// settle changes what is slowed. If somebody deleted the tables they are made
// again.
func (s *station) settle(ctx context.Context, links map[netip.Addr]*link) error {
	if err := s.equip(links); err != nil {
		return err
	}
	s.pump.swap(links) // Packets of new senders must find their link.
	senders := slices.Collect(maps.Keys(links))
	err := s.line.Talk(ctx, func(c *nftables.Conn) error {
		return errors.Join(s.table.replace(c, senders), c.Flush())
	})
	if errors.Is(err, unix.ENOENT) {
		err = s.line.Talk(ctx, func(c *nftables.Conn) error {
			return errors.Join(s.table.create(c, senders), c.Flush())
		})
	}
	if err != nil {
		return nfqueue.Hint(err)
	}
	return s.verify(ctx, len(senders))
}

// equip makes what the faults need besides the queue.
func (s *station) equip(links map[netip.Addr]*link) error {
	s.pump.mu.Lock()
	defer s.pump.mu.Unlock()
	if s.pump.again != nil || !hasAny(links, func(p Profile) bool { return p.Duplicate > 0 }) {
		return nil
	}
	a, err := openAgain(s.netns)
	s.pump.again = a
	return err
}

// verify compares how many senders are in the kernel with how many should be.
func (s *station) verify(ctx context.Context, want int) error {
	return s.line.Talk(ctx, func(c *nftables.Conn) error {
		got, err := s.table.count(c)
		if err == nil && got != want {
			err = fmt.Errorf("read back: %d senders are slowed instead of %d", got, want)
		}
		return err
	})
}

// works reports whether packets are still taken from the queue.
func (s *station) works() bool {
	select {
	case <-s.pump.done:
		return false
	default:
		return true
	}
}

// close removes everything from the kernel. Without tables, for a namespace
// that is no more, they are left to end with it.
func (s *station) close(ctx context.Context, tables bool) error {
	var err error
	if tables {
		// The kernel drops what is queued when a chain is deleted, so there
		// must be nothing in the queue, and nothing on its way there.
		err = s.line.Talk(ctx, func(c *nftables.Conn) error {
			return errors.Join(s.table.replace(c, nil), c.Flush())
		})
		s.pump.letGo()
	}
	if tables && err == nil {
		err = s.line.Talk(ctx, s.table.delete)
	}
	if errors.Is(err, unix.ENOENT) {
		err = nil
	}
	return errors.Join(err, s.line.Close(), s.pump.end())
}
