package agent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// watch is how long a frozen node is watched for using the processor.
	watch = 20 * time.Millisecond
	// thawing is the deadline of taking a freeze back.
	thawing = 3 * time.Second
)

// A standstill is what is wanted to stand still of a node by one ID.
type standstill struct {
	how     string // ByFreezer or BySigstop
	process string // those that it names; empty: all
}

// standstills are all that are wanted of a node, by ID.
type standstills map[string]standstill

func (s standstills) byFreezer() bool {
	for _, one := range s {
		if one.how == ByFreezer {
			return true
		}
	}
	return false
}

func (a *agent) freeze(ctx context.Context, r Request) (Reply, error) {
	want := standstill{how: r.How, process: r.Process}
	if want.how == "" {
		want.how = ByFreezer
	}
	if want.how != ByFreezer && want.how != BySigstop {
		return Reply{}, fmt.Errorf("a node can be frozen by %s or %s, not by %q", ByFreezer, BySigstop, r.How)
	}
	if want.how == ByFreezer && want.process != "" {
		return Reply{}, fmt.Errorf("the freezer stops all of a node: one process of many is stopped by %s", BySigstop)
	}
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if err := n.running(); err != nil {
		n.frozen[r.ID] = want
		return Reply{Pending: true}, fmt.Errorf("%w, it will be frozen when it runs", err)
	}
	begin := time.Now()
	if err := n.hold(ctx, r.ID, want); err != nil {
		return Reply{}, err
	}
	took := time.Since(begin)
	evidence, err := n.standsStill(r.ID)
	if err != nil {
		return Reply{}, fmt.Errorf("%w (let go again: %v)", err, n.release(r.ID))
	}
	return Reply{Evidence: evidence, Took: took}, nil
}

// hold makes what is wanted stand still. On error nothing of it does.
func (n *node) hold(ctx context.Context, id string, want standstill) error {
	if want.how == BySigstop {
		n.frozen[id] = want
		if err := n.sigstop(id); err != nil {
			return errors.Join(err, n.release(id))
		}
		return nil
	}
	if err := n.group.Apart(); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	if err := n.group.Freeze(ctx); err != nil {
		return err
	}
	n.frozen[id] = want
	return nil
}

// freezeAgain does to a node what is wanted of it: one that has just been
// started, or was thawed for a moment, or has new processes.
func (n *node) freezeAgain(ctx context.Context) error {
	var err error
	for id, want := range n.frozen {
		if want.how == BySigstop {
			err = errors.Join(err, n.sigstop(id))
			continue
		}
		if is, stateErr := n.group.Frozen(); stateErr != nil || !is {
			err = errors.Join(err, stateErr, n.hold(ctx, id, want))
		}
	}
	return err
}

// standsStill watches what an ID holds for a moment.
func (n *node) standsStill(id string) (string, error) {
	want := n.frozen[id]
	pids, err := n.heldBy(id)
	if err != nil {
		return "", err
	}
	before := cpuTime(pids)
	time.Sleep(watch)
	if used := cpuTime(pids) - before; used != 0 {
		return "", fmt.Errorf("%s is frozen but used %v of the processor in %v", n.name, used, watch)
	}
	still := fmt.Sprintf("no cpu time used by %s in %v", count(len(pids), "process", "processes"), watch)
	if want.how == BySigstop {
		states, err := n.allStopped(pids)
		return states + ", " + still, err
	}
	state, err := n.group.State()
	switch {
	case err != nil:
		return "", err
	case state != "FROZEN":
		return "", fmt.Errorf("%s is not frozen: the freezer is %s", n.name, state)
	}
	return fmt.Sprintf("freezer %s (cgroup v%d), %s", state, n.group.Version, still), nil
}

// heldBy lists the processes that an ID holds.
func (n *node) heldBy(id string) ([]int, error) {
	if n.frozen[id].how != BySigstop {
		return n.group.Processes()
	}
	var pids []int
	for pid, s := range n.stopped {
		if s.by[id] && s.alive() {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		return nil, fmt.Errorf("%s runs no process %q just now", n.name, n.frozen[id].process)
	}
	return pids, nil
}

// isFrozen is the verb Frozen.
func (a *agent) isFrozen(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	if err := n.running(); err != nil {
		return Reply{}, err
	}
	if _, wanted := n.frozen[r.ID]; !wanted {
		return Reply{}, fmt.Errorf("%s is not frozen by it", n.name)
	}
	evidence, err := n.standsStill(r.ID)
	return Reply{Evidence: evidence}, err
}

func (a *agent) thaw(ctx context.Context, r Request) (Reply, error) {
	n, err := a.hold(ctx, r.Node)
	if err != nil {
		return Reply{}, err
	}
	defer n.mu.Unlock()
	was, wanted := n.frozen[r.ID]
	if !wanted {
		return Reply{Evidence: "not frozen by it"}, nil
	}
	begin := time.Now()
	down := n.running() // An error if it is: then there is nothing to be let go.
	if err := n.release(r.ID); err != nil {
		return Reply{}, err
	}
	reply := Reply{Evidence: "goes on", Took: time.Since(begin)}
	switch {
	case down != nil:
		reply.Evidence = down.Error() + ", it will not be frozen when it runs"
	case was.how == ByFreezer && n.frozen.byFreezer():
		reply.Evidence = "still frozen by " + count(len(n.frozen), "other", "others")
	case was.how == ByFreezer:
		reply.Evidence = fmt.Sprintf("freezer THAWED (cgroup v%d)", n.group.Version)
	}
	return reply, nil
}

// release takes back what is wanted by an ID. On error it is still wanted, so
// that it can be tried again.
func (n *node) release(id string) error {
	was, wanted := n.frozen[id]
	delete(n.frozen, id)
	var err error
	switch {
	case !wanted:
	case was.how == BySigstop:
		err = n.sigcont(id)
	case !n.frozen.byFreezer():
		err = n.thawNow()
	}
	if err != nil {
		n.frozen[id] = was
	}
	return err
}

// thawNow has a deadline of its own: it is also done when time is up.
func (n *node) thawNow() error {
	if n.main == nil {
		return nil // It never ran, or is known to be down.
	}
	ctx, cancel := context.WithTimeout(context.Background(), thawing)
	defer cancel()
	return n.group.Thaw(ctx)
}
