package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/shakedown-dev/shakedown/nemesis/agent/vdso"
)

const (
	// clockLife is how long a clock stays off unless it is renewed, and
	// clockLeast how much of that there must always be left.
	clockLife  = 30 * time.Second
	clockLeast = 20 * time.Second
	// reconcileEvery is how soon a process that a node starts or forks gets
	// the node's clock.
	reconcileEvery = 50 * time.Millisecond
	// standing is how long a process may be kept from running while its clock
	// is installed.
	standing = 2 * time.Second
	// retryAfter is when to try again what failed.
	retryAfter = time.Second
	// mostOff bounds the offset: what is shown must be a time after 1970.
	mostOff = 20 * 365 * 24 * time.Hour
)

// errFrozen is why a clock could not be installed yet.
var errFrozen = errors.New("node is frozen, will apply when it thaws")

// A clock is what is wanted of a node's clock, and the processes that were
// looked at for it.
type clock struct {
	want []skew // the last one counts
	seen map[int]*watched
}

type skew struct {
	id     string
	offset time.Duration
}

// watched is one process of a node, open.
type watched struct {
	*vdso.Process
	after time.Time // not to be tried again before, since it failed
}

func (c *clock) wanted() bool { return len(c.want) > 0 }

func (c *clock) set(id string, offset time.Duration) {
	c.reset(id)
	c.want = append(c.want, skew{id, offset})
}

func (c *clock) reset(id string) {
	c.want = slices.DeleteFunc(c.want, func(s skew) bool { return s.id == id })
}

// target is what the processes should be shown from now on.
func (c *clock) target(now time.Time) vdso.Clock {
	if !c.wanted() {
		return vdso.Clock{}
	}
	return vdso.Clock{Offset: c.want[len(c.want)-1].offset, Until: now.Add(clockLife)}
}

// good reports whether a clock is as wanted, and will be for a while.
func good(is, want vdso.Clock, now time.Time) bool {
	if want.Until.IsZero() {
		return shown(is, now) == 0
	}
	return is.Offset == want.Offset && is.Until.After(now.Add(clockLeast))
}

// shown is the offset that a process sees.
func shown(c vdso.Clock, now time.Time) time.Duration {
	if !c.Until.After(now) {
		return 0
	}
	return c.Offset
}

// forget closes all processes.
func (c *clock) forget() {
	for pid := range c.seen {
		c.drop(pid)
	}
}

func (c *clock) drop(pid int) {
	if w := c.seen[pid]; w != nil && w.Process != nil {
		_ = w.Close() // Nothing is buffered that could be lost.
	}
	delete(c.seen, pid)
}

// look opens a process, unless it is open, and reads its clock. One that has
// executed another program since is opened again.
func (c *clock) look(pid int) (is vdso.Clock, patched bool, err error) {
	if w := c.seen[pid]; w != nil && w.Process != nil {
		if is, patched, err = w.Clock(); err == nil {
			return is, patched, nil
		}
		c.drop(pid)
	}
	p, err := vdso.Open(pid)
	if err != nil {
		return vdso.Clock{}, false, err
	}
	if c.seen == nil {
		c.seen = map[int]*watched{}
	}
	c.seen[pid] = &watched{Process: p}
	return p.Clock()
}

// A sighting is what was read back of a node's clock.
type sighting struct {
	pid     int // of the main process
	offset  time.Duration
	threads int
	agree   int // processes with the same offset
	all     int
}

func (s sighting) String() string {
	sign := ""
	if s.offset > 0 {
		sign = "+"
	}
	return fmt.Sprintf("clock offset %s%v in %d of %s (pid %d, %s), read back",
		sign, s.offset, s.agree, count(s.all, "process", "processes"), s.pid, count(s.threads, "thread", "threads"))
}

// setClocks brings every process of a running node to the clock that is
// wanted, and reads back what it is.
func (n *node) setClocks(ctx context.Context) (sighting, error) {
	pids, err := n.processes()
	if err != nil {
		return sighting{}, err
	}
	for _, pid := range pids {
		if failed := n.setClock(ctx, pid); failed != nil && !vanished(pid, failed) {
			n.clock.failed(pid)
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		return sighting{}, err
	}
	return n.readClocks(pids)
}

func (n *node) setClock(ctx context.Context, pid int) error {
	now := time.Now()
	want := n.clock.target(now)
	is, patched, err := n.clock.look(pid)
	if err != nil || good(is, want, now) {
		return err
	}
	if !patched {
		if state, err := n.group.State(); err != nil || state != "THAWED" {
			return errors.Join(errFrozen, err) // It could not be stopped.
		}
	}
	ctx, cancel := context.WithTimeout(ctx, standing)
	defer cancel()
	if err := n.clock.seen[pid].Set(ctx, want); err != nil {
		return err
	}
	is, _, err = n.clock.look(pid)
	if err == nil && !good(is, want, now) {
		err = fmt.Errorf("process %d was given the offset %v but has %v", pid, want.Offset, is.Offset)
	}
	return err
}

// failed notes that it was in vain, for reconcile.
func (c *clock) failed(pid int) {
	if c.seen[pid] == nil {
		if c.seen == nil {
			c.seen = map[int]*watched{}
		}
		c.seen[pid] = &watched{}
	}
	c.seen[pid].after = time.Now().Add(retryAfter)
}

// vanished reports whether an error is only that a process has ended, or has
// never had a clock.
func vanished(pid int, err error) bool {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return true
	}
	fields, statErr := statFields(pid)
	return statErr != nil || fields[0] == "Z" || fields[0] == "X"
}

// readClocks reads back the clocks of a node's processes.
func (n *node) readClocks(pids []int) (sighting, error) {
	s := sighting{pid: n.main.pid}
	offsets := map[int]time.Duration{}
	for _, pid := range pids {
		is, _, err := n.clock.look(pid)
		if err != nil {
			if vanished(pid, err) {
				continue
			}
			return sighting{}, err
		}
		offsets[pid] = shown(is, time.Now())
	}
	s.offset, s.all = offsets[s.pid], len(offsets)
	for _, offset := range offsets {
		if offset == s.offset {
			s.agree++
		}
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", s.pid))
	s.threads = len(threads)
	if err != nil {
		return sighting{}, fmt.Errorf("%s is down: %w", n.name, err)
	}
	return s, nil
}

// processes are those of the node's cgroup, or, if it shares that with others,
// its main process and all descendants.
func (n *node) processes() ([]int, error) {
	if err := n.running(); err != nil {
		return nil, err
	}
	if n.group.Apart() == nil {
		return n.group.Processes()
	}
	pids := []int{n.main.pid}
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children(pids[i])...)
	}
	return pids, nil
}

func children(pid int) []int {
	var pids []int
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, thread := range threads {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

func (a *agent) setClock(ctx context.Context, r Request) (Reply, error) {
	if r.Offset > mostOff || r.Offset < -mostOff {
		return Reply{}, fmt.Errorf("an offset of %v: at most 20 years", r.Offset)
	}
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	n.clock.set(r.ID, r.Offset)
	begin := time.Now()
	if err := n.running(); err != nil {
		return Reply{Pending: true}, fmt.Errorf("%w, its clock will be set when it runs", err)
	}
	reply, err := clockReply(n, begin, ctx)
	reply.Pending = errors.Is(err, errFrozen)
	return reply, err
}

func (a *agent) resetClock(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	n.clock.reset(r.ID)
	begin := time.Now()
	if err := n.running(); err != nil {
		return Reply{Evidence: err.Error() + ", there is no clock to reset"}, nil
	}
	return clockReply(n, begin, ctx)
}

func clockReply(n *node, begin time.Time, ctx context.Context) (Reply, error) {
	seen, err := n.setClocks(ctx)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: seen.String(), Number: int64(seen.offset), Took: time.Since(begin)}, nil
}

func (a *agent) readClock(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	pids, err := n.processes()
	if err != nil {
		return Reply{}, err
	}
	seen, err := n.readClocks(pids)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Evidence: seen.String(), Number: int64(seen.offset)}, nil
}

// reconcile gives processes that have appeared since, and nodes that could not
// be reached then, the clock that is wanted of their node, and keeps all of
// these clocks from ending.
func (a *agent) reconcile(ctx context.Context) {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, n := range a.all() {
				_, err := guarded("reconcile", func() (any, error) { return nil, n.reconcile(ctx) })
				a.complain(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// reconcile leaves a node alone that somebody is at work on.
func (n *node) reconcile(ctx context.Context) error {
	if !n.mu.TryLock() {
		return nil
	}
	defer n.mu.Unlock()
	if !n.clock.wanted() && len(n.clock.seen) == 0 || n.running() != nil {
		return nil
	}
	pids, err := n.processes()
	if err != nil {
		return err
	}
	for pid := range n.clock.seen {
		if !slices.Contains(pids, pid) {
			n.clock.drop(pid)
		}
	}
	for _, pid := range pids {
		if w := n.clock.seen[pid]; w != nil && time.Now().Before(w.after) {
			continue
		}
		if failed := n.setClock(ctx, pid); failed != nil && !vanished(pid, failed) {
			n.clock.failed(pid)
			if !errors.Is(failed, errFrozen) {
				err = errors.Join(err, failed)
			}
		}
	}
	return err
}
