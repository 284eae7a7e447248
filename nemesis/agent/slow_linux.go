package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shakedown-dev/shakedown/nemesis/agent/cut"
	"github.com/shakedown-dev/shakedown/nemesis/agent/slow"
)

// place tells who works in the node's network where that is now, if the node
// runs another process than before. The node is locked.
func (a *agent) place(ctx context.Context, n *node, before *process, addresses []netip.Addr) error {
	old, fd := n.ns, -1
	var err error
	if n.main == nil || n.main != before {
		n.ns = nil
	}
	if n.main != nil && n.main != before {
		if n.ns, err = openNetwork(n.main, a.host); errors.Is(err, fs.ErrPermission) && !mayTrace() {
			err = nil // We were not given that right, since no fault of the plan takes it.
		}
	}
	if n.ns != nil {
		fd = int(n.ns.Fd())
	}
	err = errors.Join(err, a.slow.Place(ctx, n.name, fd, addresses),
		a.tcp.Place(ctx, n.name, fd, addresses), a.dns.Place(ctx, n.name, fd))
	if apart, ok := a.cuts().(*cut.Nodes); ok {
		err = errors.Join(err, apart.Place(ctx, n.name, fd))
	}
	if old != nil && old != n.ns {
		_ = old.Close() // Nothing was written to it that could be lost.
	}
	return err
}

// mayTrace reports whether we may look into other processes.
func mayTrace() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[0].Effective&(1<<unix.CAP_SYS_PTRACE) != 0
}

// openNetwork opens the network namespace of a process. It is nil if that is
// the one that we are in: rules in there would be about everybody. Where the
// host is the node (ours), it is meant.
func openNetwork(p *process, ours bool) (*os.File, error) {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", p.pid))
	if err != nil {
		return nil, fmt.Errorf("open the network of process %d: %w (CAP_SYS_PTRACE is needed)", p.pid, err)
	}
	theirs, err := ns.Stat()
	own, ownErr := os.Stat("/proc/self/ns/net")
	if err := errors.Join(err, ownErr); err != nil {
		return nil, errors.Join(err, ns.Close())
	}
	if os.SameFile(theirs, own) && !ours {
		return nil, ns.Close()
	}
	if !p.alive() { // It may have been another process of the same pid.
		return nil, errors.Join(fmt.Errorf("process %d has ended", p.pid), ns.Close())
	}
	return ns, nil
}

func (a *agent) slowDown(ctx context.Context, r Request) (Reply, error) {
	if r.Slowdown == nil {
		return Reply{}, fmt.Errorf("%s needs the field %q", r.Do, "slowdown")
	}
	s := *r.Slowdown
	c, err := a.slow.Slow(ctx, r.ID, r.Pairs, slow.Profile{
		Delay: s.Delay, Jitter: s.Jitter, Distribution: s.Distribution, Loss: s.Loss, LossBurst: s.LossBurst,
		Reorder: s.Reorder, Duplicate: s.Duplicate, Corrupt: s.Corrupt, Tamper: s.Tamper, Rate: s.Rate, Seed: s.Seed,
	})
	if err != nil {
		return nobody(err), err
	}
	return Reply{
		Evidence: fmt.Sprintf("%s of nodes slowed within %v, %s in all read back from the kernel; %s",
			count(c.Changed, "pair", "pairs"), round(c.Took), count(c.Senders, "sender", "senders"), a.slow.Backend()),
		Took: c.Took,
	}, nil
}

// hasten answers with what the delay has done, for which it is too late to ask
// afterwards.
func (a *agent) hasten(ctx context.Context, r Request) (Reply, error) {
	c, err := a.slow.Mend(ctx, r.ID)
	if err != nil {
		return Reply{}, err
	}
	if c.Changed == 0 {
		return Reply{Evidence: "nothing was slowed by it"}, nil
	}
	return Reply{
		Evidence: fmt.Sprintf("%s of nodes let go within %v, %s still slowed by others; %s",
			count(c.Changed, "pair", "pairs"), round(c.Took), count(c.Senders, "sender", "senders"), sayTally(c.Tally)),
		Number: int64(c.Tally.Hit()),
		Took:   c.Took,
	}, nil
}

func (a *agent) slowed(_ context.Context, r Request) (Reply, error) {
	t, err := a.slow.Count(r.ID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: sayTally(t), Number: int64(t.Hit())}, nil
}

// sayTally counts large packets that the kernel has put together as one.
func sayTally(t slow.Tally) string {
	text := fmt.Sprintf("of %s, %d delayed", count(int(t.Seen), "packet", "packets"), t.Delayed)
	if t.Held > 0 {
		text += fmt.Sprintf(", by %v on average", round(t.Held/time.Duration(t.Delayed)))
	}
	for _, part := range []struct {
		n    uint64
		says string
	}{
		{t.Lost, "lost"}, {t.Overflowed, "lost for want of bandwidth"}, {t.Overtook, "let overtake"},
		{t.Duplicated, "sent twice"}, {t.Corrupted, "corrupted"}, {t.Tampered, "tampered with"},
	} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.says)
		}
	}
	return text
}

// roundTrip does not lock the node for the time that it takes.
func (a *agent) roundTrip(ctx context.Context, r Request) (Reply, error) {
	to, ok := a.slow.Address(r.Pairs[0][1])
	if !ok {
		return Reply{}, fmt.Errorf("no address is known of node %q", r.Pairs[0][1])
	}
	from, err := a.networkOf(ctx, r.Pairs[0][0])
	if err != nil {
		return Reply{}, err
	}
	defer from.Close()
	var took []time.Duration
	for range 3 { // The shortest: a processor that is busy makes it longer only.
		one, err := slow.RoundTrip(ctx, int(from.Fd()), to)
		if err != nil {
			return Reply{}, fmt.Errorf("measure the way from %s to %s: %w", r.Pairs[0][0], r.Pairs[0][1], err)
		}
		took = append(took, one)
	}
	best := slices.Min(took)
	return Reply{Evidence: fmt.Sprintf("round trip from %s to %s %v", r.Pairs[0][0], r.Pairs[0][1], round(best)), Number: int64(best)}, nil
}

// networkOf opens the network namespace of a node that runs once more.
func (a *agent) networkOf(ctx context.Context, name string) (*os.File, error) {
	n, err := a.hold(ctx, name)
	if err != nil {
		return nil, err
	}
	defer n.mu.Unlock()
	if err := n.running(); err != nil {
		return nil, err
	}
	if n.ns == nil {
		return nil, fmt.Errorf("%s is not in a network of its own", name)
	}
	fd, err := unix.FcntlInt(n.ns.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the network of %s again: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
