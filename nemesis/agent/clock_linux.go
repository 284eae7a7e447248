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
	// clockLife is how long a clock stays wrong unless it is renewed, and
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
	id    string
	shows vdso.Clock // without its end
}

// watched is one process of a node, open.
type watched struct {
	*vdso.Process
	after time.Time // not to be tried again before, since it failed
}

func (c *clock) wanted() bool { return len(c.want) > 0 }

func (c *clock) set(id string, shows vdso.Clock) {
	c.reset(id)
	c.want = append(c.want, skew{id, shows})
}

func (c *clock) reset(id string) {
	c.want = slices.DeleteFunc(c.want, func(s skew) bool { return s.id == id })
}

// target is what the processes should be shown from now on.
func (c *clock) target(now vdso.Reading) vdso.Clock {
	if !c.wanted() {
		return vdso.Clock{}
	}
	shows := c.want[len(c.want)-1].shows
	shows.Until = now.In(clockLife)
	return shows
}

// good reports whether a clock is as wanted, and will be for a while.
func good(is, want vdso.Clock, now vdso.Reading) bool {
	if !want.Lasts(now) {
		return !is.Lasts(now)
	}
	return is.Same(want) && is.Lasts(now.In(clockLeast))
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
	shows   vdso.Clock
	off     time.Duration // just now
	threads int
	agree   int // processes that are shown the same
	all     int
}

func (s sighting) String() string {
	return fmt.Sprintf("%s in %d of %s (pid %d, %s), read back", sayClock(s.shows, s.off),
		s.agree, count(s.all, "process", "processes"), s.pid, count(s.threads, "thread", "threads"))
}

func (s sighting) reply() Reply {
	return Reply{Evidence: s.String(), Number: int64(s.off), Clock: fromVDSO(s.shows)}
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
	now, err := vdso.Now()
	if err != nil {
		return err
	}
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
		err = fmt.Errorf("process %d was given %+v but has %+v", pid, want, is)
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
	now, err := vdso.Now()
	if err != nil {
		return s, err
	}
	clocks := map[int]vdso.Clock{}
	for _, pid := range pids {
		is, _, err := n.clock.look(pid)
		if err != nil {
			if vanished(pid, err) {
				continue
			}
			return sighting{}, err
		}
		if !is.Lasts(now) {
			is = vdso.Clock{}
		}
		clocks[pid] = is
	}
	if _, ok := clocks[s.pid]; !ok { // What shows nothing is no evidence.
		return s, fmt.Errorf("the clock of process %d of %s cannot be read: it is ending, or not yet among the node's %s", s.pid, n.name, count(len(pids), "process", "processes"))
	}
	s.shows, s.off, s.all = clocks[s.pid], clocks[s.pid].Off(now), len(clocks)
	for _, shows := range clocks {
		if shows.Same(s.shows) {
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
